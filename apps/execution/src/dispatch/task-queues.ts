import type { Bus } from '@signalbox/shared/bus/bus.js';
import { agentQueueKey } from '@signalbox/shared/contracts/execution/queue-key.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '@signalbox/workflow/core/events.js';
import type { AgentDirectory } from './agent-directory.ts';
import { AgentQueue, type Poller, type QueueKind } from './agent-queue.ts';
import { failureOf, type CalledTasks } from './called-tasks.ts';
import { CalledTurns } from './called-turns.ts';
import { Pace } from './pace.ts';
import { isActive, queueKeyOf, type QueuedTask } from './queued-task.ts';
import { versionFor } from './route.ts';

/** Tasks of one service or server that are called at once, where the agent names no cap of its own. */
const calledLimit = 256;
const lookUpMs = 250;
const lookUpMaxMs = 2_000;
/** What asking the registry again can cure. */
const passing = new Set(['unavailable', 'timeout', 'limited']);

export interface QueuePorts {
  /** Whether tasks may leave now. */
  mayAct(): boolean;
  /** Whether a worker that is handed the task may begin without asking. */
  mayBegin(task: QueuedTask): boolean;
  /** A task was handed over; to this version of its agent, where that is known. */
  handed(task: QueuedTask, version: number | undefined): void;
  /** A task's agent is not there, or not the run's to use: its attempt ends so. */
  end(task: QueuedTask, error: Failure): void;
  /** How many tasks of the queue an instance has. */
  heldBy(queue: AgentQueue, instance: string): number;
  /** Until when a queue of this shard waits after it was taken, on the monotonic clock. */
  heldUntil(shard: number): number;
}

/** The queues that are kept here, and what lets tasks out of them, whoever owns their runs. */
export class TaskQueues {
  private readonly queues = new Map<string, AgentQueue>();
  private readonly lookingUp = new Set<AgentQueue>();
  readonly turns = new CalledTurns();
  /** One whose queue is another's by now was offered there. */
  private readonly pace = new Pace((task) => {
    if (task.queue !== null) this.enter(task);
  });

  constructor(
    private readonly bus: Bus,
    private readonly agents: AgentDirectory,
    private readonly called: CalledTasks,
    private readonly ports: QueuePorts,
  ) {}

  ofAgent(workspace: string, agent: string): AgentQueue {
    return this.get(agentQueueKey(workspace, agent), agent, workspace);
  }

  find(workspace: string, agent: string): AgentQueue | undefined {
    return this.queues.get(agentQueueKey(workspace, agent));
  }

  /** Puts a task where it waits for a slot; one that runs already has its slot. */
  enter(task: QueuedTask): void {
    const { kind, workspace, target } = task;
    const queue = this.get(queueKeyOf(task), kind === 'agent' ? target : undefined, workspace);
    task.queue = queue;
    if (task.phase !== 'queued') this.occupy(queue, task, 1);
    else if (!this.pace.holds(task)) queue.push(task);
    this.pump(queue);
  }

  stop(): void {
    this.pace.stop();
  }

  /** An executor was let begin. */
  began(task: QueuedTask, instance: string): void {
    if (task.queue !== null && task.phase === 'queued') this.occupy(task.queue, task, 1);
    task.phase = 'running';
    task.instance = instance;
    task.because = undefined;
  }

  /** It waits and runs no more. */
  left(task: QueuedTask): void {
    const { queue } = task;
    if (queue !== null && isActive(task)) this.occupy(queue, task, -1);
    task.phase = 'gone';
    if (queue === null) return;
    this.pump(queue);
    // Its place may be another queue's.
    if (queue.kind === 'called') this.serveCalled();
  }

  /** One task in the place of another with the same identifier: its run has come here, or has gone from here. */
  replace(task: QueuedTask, by: QueuedTask): void {
    by.queue = task.queue;
    by.phase = task.phase;
    by.instance = task.instance;
    by.principal = task.principal;
    by.heardAt = task.heardAt;
    by.handedAt = task.handedAt;
    by.begunAt = task.begunAt;
    by.routed = task.routed;
    if (task.phase === 'queued') by.queue?.push(by);
    task.phase = 'gone';
  }

  /** Gives out what can be given. `isChanged`: what is known of the agent is old. */
  pump(queue: AgentQueue, isChanged = false): void {
    if (!this.ports.mayAct()) return;
    const first = queue.first();
    if (first === undefined) return this.tidy(queue);
    if (isChanged || !this.knows(queue)) return void this.lookUp(queue, first);
    if (this.isHeld(queue)) return;
    if (queue.kind === 'worker') queue.serve((task, poller) => this.offer(task, poller));
    else {
      this.turns.enter(queue);
      this.serveCalled();
    }
  }

  /** Hands tasks to a worker that asks, as far as its credit and the slots allow. */
  takeFor(queue: AgentQueue, poller: Poller): QueuedTask[] {
    const first = queue.first();
    if (first === undefined || !this.ports.mayAct()) return [];
    if (this.knows(queue)) {
      if (queue.kind !== 'worker' || this.isHeld(queue)) return [];
      return queue.takeFor(poller, (task) => this.offer(task, poller));
    }
    // Its cap is not known yet: the worker waits until it is.
    void this.lookUp(queue, first);
    return [];
  }

  /** Nobody accepted it: it waits again, before the others. */
  putBack(task: QueuedTask): void {
    const { queue } = task;
    if (queue === null) return;
    task.phase = 'queued';
    task.instance = undefined;
    task.principal = undefined;
    task.begunAt = undefined;
    task.routed = undefined;
    this.occupy(queue, task, -1);
    queue.unshift(task);
    this.pump(queue);
  }

  pumpAll(): void {
    for (const queue of [...this.queues.values()]) this.pump(queue);
  }

  ofWorkspace(workspace: string): AgentQueue[] {
    return [...this.queues.values()].filter((queue) => queue.workspace === workspace);
  }

  /** Lets go of queues: others keep them now. Workers that wait in them are sent there. */
  drop(isGone: (shard: number) => boolean): void {
    for (const [key, queue] of [...this.queues]) {
      if (!isGone(queue.shard)) continue;
      this.queues.delete(key);
      this.setKind(queue, undefined);
      for (const poller of queue.takePollers()) poller.give([]);
    }
  }

  /** Forgets a queue that nothing uses. */
  tidy(queue: AgentQueue): void {
    if (queue.isIdle && this.queues.get(queue.key) === queue) this.queues.delete(queue.key);
  }

  /** A cap that counts tasks of several owners: all of them must have been heard first. */
  private isHeld(queue: AgentQueue): boolean {
    const forMs = queue.heldUntil - performance.now();
    if (forMs <= 0 || queue.agent === undefined) return false;
    if (this.agents.peek(queue.workspace, queue.agent)?.concurrency === undefined) return false;
    queue.wake ??= setTimeout(() => this.pump(queue), forMs).unref();
    return true;
  }

  /** Whether it is known how the queue's tasks are given out; if so the queue says it. */
  private knows(queue: AgentQueue): boolean {
    if (queue.agent === undefined) {
      this.setKind(queue, 'called');
      queue.limit = calledLimit;
      return true;
    }
    const known = this.agents.peek(queue.workspace, queue.agent);
    if (known === undefined) return false;
    this.setKind(queue, known.isWorker ? 'worker' : 'called');
    queue.version = known.version;
    const { route } = known;
    queue.route = route === undefined ? undefined : (task) => versionFor(route, task);
    queue.limit = known.isIsolated ? 0 : (known.concurrency ?? (known.isWorker ? Infinity : calledLimit));
    const { workspace, agent } = queue;
    queue.creditOf = ({ instance, credit }) => {
      if (this.agents.isFenced(workspace, agent, instance)) return 0;
      return known.trial.has(instance) ? Math.min(credit, Math.max(0, 1 - this.ports.heldBy(queue, instance))) : credit;
    };
    return true;
  }

  private get(key: string, agent: string | undefined, workspace: string): AgentQueue {
    let queue = this.queues.get(key);
    if (queue === undefined) {
      queue = new AgentQueue(key, agent, workspace);
      queue.heldUntil = this.ports.heldUntil(queue.shard);
      this.queues.set(key, queue);
    }
    return queue;
  }

  private offer(task: QueuedTask, poller: Poller): void {
    this.occupy(task.queue as AgentQueue, task, 1);
    task.phase = 'offered';
    task.routed = routed(task);
    task.instance = poller.instance;
    task.principal = poller.principal;
    task.heardAt = performance.now();
    task.handedAt ??= task.heardAt;
    if (this.ports.mayBegin(task)) task.begunAt = now();
    this.ports.handed(task, task.version ?? poller.version ?? task.queue?.version);
    task.because = undefined;
  }

  /** Calls one task after the other, of the workspaces in turn, while there is room. */
  private serveCalled(): void {
    if (!this.ports.mayAct()) return;
    for (let queue = this.turns.next(); queue !== undefined; queue = this.turns.next()) {
      const task = this.queues.get(queue.key) === queue && queue.kind === 'called' && !this.isHeld(queue) ? queue.next() : undefined;
      if (task === undefined) continue;
      this.occupy(queue, task, 1);
      task.phase = 'offered';
      task.routed = routed(task);
      task.heardAt = performance.now();
      task.handedAt ??= task.heardAt;
      this.ports.handed(task, task.version ?? queue.version);
      this.called.send(task);
      this.turns.enter(queue);
    }
  }

  /** So many more tasks of a queue are under way. One that is mirrored takes no place. */
  private occupy(queue: AgentQueue, { isMirror }: QueuedTask, by: number): void {
    if (isMirror) return;
    queue.active += by;
    if (queue.kind === 'called') this.turns.count(queue.workspace, by);
  }

  private setKind(queue: AgentQueue, kind: QueueKind | undefined): void {
    if (queue.kind === kind) return;
    if (queue.kind === 'called') this.turns.count(queue.workspace, -queue.active);
    if (kind === 'called') this.turns.count(queue.workspace, queue.active);
    queue.kind = kind;
  }

  /** Asks the registry, as the run of the first task, until it answers. */
  private async lookUp(queue: AgentQueue, first: QueuedTask): Promise<void> {
    if (this.lookingUp.has(queue)) return;
    this.lookingUp.add(queue);
    const { workspace, agent = '' } = queue;
    try {
      const { grant } = first;
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
  private refuse(queue: AgentQueue, first: QueuedTask, fault: Fault, thrown: unknown): void {
    if (fault.code === 'internal') log.error('an agent could not be looked up', { agent: queue.agent, err: thrown });
    const isUnknown = fault.code === 'not_found';
    const failure = isUnknown
      ? {
          code: 'not_found',
          detail: `there is no agent ${queue.agent ?? ''}`,
          next: 'Apply a manifest of that agent, or correct the step.',
        }
      : failureOf(fault);
    for (const task of queue.queued()) if (isUnknown || task.grant === first.grant) this.ports.end(task, failure);
  }
}

/** What a rollout chooses for a task that is handed over; undefined: none does. */
function routed(task: QueuedTask): number | undefined {
  return task.version === undefined ? task.queue?.route?.(task) : undefined;
}
