import type { Bus } from '@signalbox/shared/bus/bus.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../core/events.ts';
import type { GraphStep } from '../core/graph.ts';
import type { AgentDirectory } from './agent-directory.ts';
import { AgentQueue, type Poller } from './agent-queue.ts';
import { failureOf, type CalledTasks } from './called-tasks.ts';
import type { OpenTask } from './open-task.ts';

/** Tasks of one service or server that are called at once, where the agent names no cap of its own. */
const calledLimit = 256;
const lookUpMs = 250;
const lookUpMaxMs = 2_000;
/** What asking the registry again can cure. */
const passing = new Set(['unavailable', 'timeout', 'limited']);

export interface QueuePorts {
  /** Whether tasks may leave now. */
  mayAct(): boolean;
  /** A task's agent is not there, or not the run's to use: its attempt ends so. */
  end(task: OpenTask, error: Failure): void;
}

/** The queues of all agents, and what lets tasks out of them. */
export class TaskQueues {
  private readonly queues = new Map<string, AgentQueue>();
  private readonly lookingUp = new Set<AgentQueue>();

  constructor(
    private readonly bus: Bus,
    private readonly agents: AgentDirectory,
    private readonly called: CalledTasks,
    private readonly ports: QueuePorts,
  ) {}

  /** Where the tasks of a step wait. */
  readonly of = (step: GraphStep, target: string, workspace: string): AgentQueue => {
    if (step.kind === 'agent') return this.ofAgent(workspace, target);
    const queue = this.get(
      step.kind === 'tool' ? `tool ${workspace} ${target.split('/', 1)[0] ?? ''}` : `artifact ${workspace}`,
      undefined,
      workspace,
    );
    queue.kind = 'called';
    queue.limit = calledLimit;
    return queue;
  };

  ofAgent(workspace: string, agent: string): AgentQueue {
    return this.get(`agent ${workspace} ${agent}`, agent, workspace);
  }

  find(workspace: string, agent: string): AgentQueue | undefined {
    return this.queues.get(`agent ${workspace} ${agent}`);
  }

  /** Gives out what can be given. `isChanged`: what is known of the agent is old. */
  pump(queue: AgentQueue, isChanged = false): void {
    if (!this.ports.mayAct()) return;
    const first = queue.first();
    if (first === undefined) return this.tidy(queue);
    if (isChanged || !this.knows(queue)) return void this.lookUp(queue, first);
    if (queue.kind === 'worker') queue.serve((task, poller) => this.offer(task, poller));
    else this.call(queue);
  }

  /** Hands tasks to a worker that asks, as far as its credit and the slots allow. */
  takeFor(queue: AgentQueue, poller: Poller): OpenTask[] {
    const first = queue.first();
    if (first === undefined || !this.ports.mayAct()) return [];
    if (this.knows(queue)) return queue.kind === 'worker' ? queue.takeFor(poller, (task) => this.offer(task, poller)) : [];
    // Its cap is not known yet: the worker waits until it is.
    void this.lookUp(queue, first);
    return [];
  }

  /** Nobody accepted it: it waits again, before the others. */
  putBack(task: OpenTask): void {
    task.phase = 'queued';
    task.instance = undefined;
    task.principal = undefined;
    task.queue.active--;
    task.queue.unshift(task);
    this.pump(task.queue);
  }

  pumpAll(): void {
    for (const queue of [...this.queues.values()]) this.pump(queue);
  }

  clear(): void {
    this.queues.clear();
  }

  /** Forgets a queue that nothing uses. */
  tidy(queue: AgentQueue): void {
    if (queue.isIdle && this.queues.get(queue.key) === queue) this.queues.delete(queue.key);
  }

  /** Whether it is known how the queue's tasks are given out; if so the queue says it. */
  private knows(queue: AgentQueue): boolean {
    if (queue.agent === undefined) return true;
    const known = this.agents.peek(queue.workspace, queue.agent);
    if (known === undefined) return false;
    queue.kind = known.isWorker ? 'worker' : 'called';
    queue.limit = known.concurrency ?? (known.isWorker ? Infinity : calledLimit);
    return true;
  }

  private get(key: string, agent: string | undefined, workspace: string): AgentQueue {
    let queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, (queue = new AgentQueue(key, agent, workspace)));
    return queue;
  }

  private offer(task: OpenTask, poller: Poller): void {
    task.queue.active++;
    task.phase = 'offered';
    task.instance = poller.instance;
    task.principal = poller.principal;
    task.heardAt = performance.now();
    task.because = undefined;
  }

  private call(queue: AgentQueue): void {
    for (let task = queue.next(); task !== undefined; task = queue.next()) {
      queue.active++;
      task.phase = 'offered';
      task.heardAt = performance.now();
      this.called.send(task);
    }
  }

  /** Asks the registry, as the run of the first task, until it answers. */
  private async lookUp(queue: AgentQueue, first: OpenTask): Promise<void> {
    if (this.lookingUp.has(queue)) return;
    this.lookingUp.add(queue);
    const { workspace, agent = '' } = queue;
    try {
      const { grant } = first.run.facts;
      await inCall({ traceparent: childTraceparent() }, async () => this.agents.find(workspace, agent, await this.bus.as(grant)));
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (passing.has(fault.code)) {
        first.because = `${fault.service ?? 'registry'}: ${fault.detail}`;
        await sleep(Math.min(lookUpMaxMs, Math.max(lookUpMs, fault.retryAfterMs ?? 0)));
      } else this.refuse(queue, first, fault, thrown);
    } finally {
      this.lookingUp.delete(queue);
    }
    if (this.queues.get(queue.key) === queue) this.pump(queue);
  }

  /** An agent that is not there is not there for any run; a right that is missing is this run's. */
  private refuse(queue: AgentQueue, first: OpenTask, fault: Fault, thrown: unknown): void {
    if (fault.code === 'internal') log.error('an agent could not be looked up', { agent: queue.agent, err: thrown });
    const isUnknown = fault.code === 'not_found';
    const failure = isUnknown
      ? {
          code: 'not_found',
          detail: `there is no agent ${queue.agent ?? ''}`,
          next: 'Apply a manifest of that agent, or correct the step.',
        }
      : failureOf(fault);
    for (const task of queue.queued()) if (isUnknown || task.run === first.run) this.ports.end(task, failure);
  }
}
