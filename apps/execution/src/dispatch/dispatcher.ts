import type { LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptRef, Effect, Failure } from '../core/events.ts';
import { mayRetry } from '../core/graph.ts';
import { unitOf } from '../core/state.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { Owner } from '../shards/owner.ts';
import type { Alarm } from '../timers/alarm.ts';
import type { AgentDirectory } from './agent-directory.ts';
import { AgentQueue, type Poller } from './agent-queue.ts';
import { CalledTasks, failureOf } from './called-tasks.ts';
import { newTask, type OpenTask } from './open-task.ts';

/** Workers beat this often; a task that is not heard of for three beats is lost. */
export const workerBeatMs = 2_000;
const workerLostMs = 3 * workerBeatMs;
/** Services that call beat every 5 s. */
const calledLostMs = 15_000;
/** A task that was handed over and not accepted goes back to the queue after this. */
const offerMs = 10_000;
const sweepMs = 500;
/** Tasks of one service or server that are called at once, where the agent names no cap of its own. */
const calledLimit = 256;
/** Tasks to be stopped that are remembered for a worker which does not ask. */
const cancelledMax = 1_000;

export interface DispatcherPorts {
  mayAct(): boolean;
}

/** Sends tasks out and hears of them: queues per agent, leases kept by heartbeats. In memory: what is open derives from the journal. */
export class Dispatcher {
  readonly tasks = new Map<string, OpenTask>();
  private readonly queues = new Map<string, AgentQueue>();
  /** By instance: tasks that its worker is to stop. */
  private readonly toStop = new Map<string, Set<string>>();
  private readonly called: CalledTasks;
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    private readonly bus: Bus,
    private readonly owner: Owner,
    private readonly alarm: Alarm,
    private readonly agents: AgentDirectory,
    private readonly ports: DispatcherPorts,
  ) {
    this.called = new CalledTasks(bus, (task, error) => this.end(task, error));
    this.sweeper = setInterval(() => this.sweep(), sweepMs);
  }

  stop(): void {
    clearInterval(this.sweeper);
    this.clear();
  }

  /** Forgets everything: the runs are another's now. */
  clear(): void {
    for (const task of this.tasks.values()) {
      task.phase = 'gone';
      this.alarm.cancel(task.deadline);
    }
    this.tasks.clear();
    this.queues.clear();
  }

  /** Puts an attempt into its queue. */
  dispatch(run: LiveRun, { s, i, n, input }: Effect & { e: 'dispatch' }): void {
    const task = newTask(run, { s, i, n }, input);
    if (this.tasks.has(task.id)) return;
    this.tasks.set(task.id, task);
    const queue = this.queueOf(task);
    queue.push(task);
    this.pump(queue, task);
  }

  /** Takes in an attempt that a former owner had seen begin: its executor is heard of, or the attempt is lost. */
  adopt(run: LiveRun, { s, i, n, input }: Effect & { e: 'dispatch' }): OpenTask {
    const task = newTask(run, { s, i, n }, input);
    const unit = unitOf(run.state, s, i);
    task.instance = unit?.instance;
    this.tasks.set(task.id, task);
    this.queueOf(task).active++;
    this.begin(task, unit?.startedAt ?? now());
    return task;
  }

  /** After a take-over: what was called is asked for; of what nobody knows, the attempt fails. */
  async askAfter(tasks: readonly OpenTask[]): Promise<void> {
    const called = tasks.filter(
      (task) => task.step.kind !== 'agent' || this.agents.peek(task.run.facts.workspace, task.target)?.isWorker === false,
    );
    if (called.length === 0) return;
    const running = await this.called.stillRunning(called.slice(0, 1_000).map(({ id }) => id));
    if (running === undefined) return;
    for (const task of called) if (!running.has(task.id) && task.phase === 'running') this.lose(task, 'it stopped with its executor');
  }

  attemptEnded(run: LiveRun, { s, i, n, isCancelled }: Effect & { e: 'attemptEnded' }): void {
    const task = this.tasks.get(newTask(run, { s, i, n }, null).id);
    if (task) this.forget(task, isCancelled);
  }

  /** Forgets one task without a word: its run is another's. */
  drop(task: OpenTask): void {
    this.forget(task, false);
  }

  /** A worker asks for tasks of its agent; answered when there is one, when one of its own is to be stopped, or after `waitMs`. */
  async lease(
    { workspace, principal }: Pick<Caller, 'workspace' | 'principal'>,
    wish: { agent: string; instance: string; credit: number; waitMs: number; skills?: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<{ tasks: OpenTask[]; cancelled: string[] }> {
    const queue = this.queue(`agent ${workspace} ${wish.agent}`, wish.agent);
    queue.kind = 'worker';
    const stops = this.takeStops(workspace, wish.instance);
    const poller: Poller = {
      instance: wish.instance,
      principal,
      credit: wish.credit,
      skills: wish.skills === undefined ? undefined : new Set(wish.skills),
      give: () => undefined,
    };
    const tasks = this.ports.mayAct() ? queue.takeFor(poller, (task) => this.offer(task, poller, queue)) : [];
    if (tasks.length > 0 || stops.length > 0 || wish.waitMs === 0) return { tasks, cancelled: stops };
    const given = await new Promise<OpenTask[]>((resolve) => {
      const done = (leased: OpenTask[]): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', leave);
        resolve(leased);
      };
      const leave = (): void => {
        queue.removePoller(poller);
        done([]);
      };
      const timer = setTimeout(leave, wish.waitMs);
      signal.addEventListener('abort', leave, { once: true });
      poller.give = done;
      queue.addPoller(poller);
    });
    if (queue.isIdle) this.queues.delete(queue.key);
    return { tasks: given, cancelled: this.takeStops(workspace, wish.instance) };
  }

  /** An executor asks whether to begin. `conflict` when it may not. */
  async accept(id: string, instance: string, principal: string | undefined): Promise<void> {
    const task = this.tasks.get(id);
    if (task === undefined) throw unwanted(id);
    this.requireHolder(task, instance, principal);
    if (task.phase === 'running' && task.instance === instance) return;
    const { step, ref, run } = task;
    const unit = unitOf(run.state, ref.s, ref.i);
    // Where a lost attempt could not be followed by another, it must be known to have begun before it may.
    const isSoft = mayRetry(step.retry, 'unavailable', ref.n - (unit?.base ?? 0));
    const wasQueued = task.phase === 'queued';
    const outcome = await this.owner.deliver(run.uuid, { type: 'accepted', instance, ...ref }, isSoft);
    if (outcome === 'stale' || outcome === undefined) throw unwanted(id);
    if (wasQueued) this.queueOf(task).active++;
    task.instance = instance;
    task.principal ??= principal;
    this.begin(task, now());
  }

  /** An executor still works on these; answers with those that nobody wants any more. */
  beat(ids: readonly string[], instance: string | undefined, principal: string | undefined): string[] {
    const unwantedIds: string[] = [];
    for (const id of ids) {
      const task = this.tasks.get(id);
      const isHolder = task !== undefined && (task.principal === undefined || task.principal === principal);
      if (task === undefined || !isHolder || (instance !== undefined && task.phase !== 'queued' && task.instance !== instance)) {
        unwantedIds.push(id);
      } else if (task.phase === 'queued') {
        // A former owner let it begin and died before that was written: it goes on.
        void this.accept(id, instance ?? 'protocol', principal).catch(() => undefined);
      } else task.heardAt = performance.now();
    }
    return unwantedIds;
  }

  /** What a worker says it is at; undefined when the task is not its. */
  holderOf(id: string, principal: string | undefined): OpenTask | undefined {
    const task = this.tasks.get(id);
    return task !== undefined && (task.principal === undefined || task.principal === principal) ? task : undefined;
  }

  /** All that an instance held is lost: it said goodbye or its connection closed for good. */
  instanceGone(workspace: string, agent: string, instance: string): void {
    for (const task of this.tasks.values()) {
      if (task.instance === instance && task.target === agent && task.run.facts.workspace === workspace && task.phase !== 'queued') {
        this.lose(task, `its worker ${instance} is gone`);
      }
    }
  }

  agentChanged(workspace: string, agent: string): void {
    this.agents.forget(workspace, agent);
    const queue = this.queues.get(`agent ${workspace} ${agent}`);
    const first = queue && [...this.tasks.values()].find((task) => task.phase === 'queued' && this.queueOf(task) === queue);
    if (queue && first) this.pump(queue, first, true);
  }

  /** Why a queued attempt is not under way. */
  why(run: LiveRun, ref: AttemptRef): { on: string; because: string } | undefined {
    const task = this.tasks.get(newTask(run, ref, null).id);
    if (task === undefined) return undefined;
    const queue = this.queueOf(task);
    const on = task.step.kind === 'agent' ? `agent:${task.target}` : task.step.kind === 'tool' ? `tool:${task.target}` : 'service:context';
    if (task.because !== undefined) return { on, because: task.because };
    if (queue.active >= queue.limit) return { on, because: `all ${queue.limit} places are taken, ${queue.waiting} tasks wait` };
    if (queue.kind === 'worker')
      return { on, because: queue.isWatched ? 'a worker is about to take it' : 'no worker of it asks for tasks' };
    return { on, because: 'it is being handed over' };
  }

  /** A leased task as its worker gets it. */
  leased(task: OpenTask): LeasedTask {
    return {
      task: task.id,
      attempt: task.ref.n,
      run: task.run.id,
      step: task.key,
      skill: task.skill ?? this.onlySkill(task),
      input: task.input,
      deadline: Math.round(now() + task.step.timeoutMs),
      idempotencyKey: task.idempotencyKey,
    };
  }

  /** The lease was renewed after a gap of our own: nobody is blamed for beats that we could not hear. */
  resume(): void {
    for (const task of this.tasks.values()) task.heardAt = performance.now();
    for (const queue of this.queues.values()) this.pump(queue);
  }

  private onlySkill(task: OpenTask): string | null {
    const skills = this.agents.peek(task.run.facts.workspace, task.target)?.skills ?? [];
    return skills.length === 1 ? (skills[0] as string) : null;
  }

  private queueOf({ step, target, run }: OpenTask): AgentQueue {
    const { workspace } = run.facts;
    if (step.kind === 'agent') return this.queue(`agent ${workspace} ${target}`, target);
    const key = step.kind === 'tool' ? `tool ${workspace} ${target.split('/', 1)[0] ?? ''}` : `artifact ${workspace}`;
    const queue = this.queue(key, target);
    queue.kind = 'called';
    queue.limit = calledLimit;
    return queue;
  }

  private queue(key: string, agent: string): AgentQueue {
    let queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, (queue = new AgentQueue(key, agent)));
    return queue;
  }

  /** Gives out what can be given. `task`: one that waits there, as whose run the agent is looked up. */
  private pump(queue: AgentQueue, task?: OpenTask, isStale = false): void {
    if (!this.ports.mayAct()) return;
    if (queue.key.startsWith('agent ') && task !== undefined) {
      const known = this.agents.peek(task.run.facts.workspace, queue.agent);
      if (known === undefined || isStale) return void this.lookUp(queue, task);
      queue.kind = known.isWorker ? 'worker' : 'called';
      queue.limit = known.concurrency ?? (known.isWorker ? Infinity : calledLimit);
    }
    if (queue.kind === 'worker') queue.serve((next, poller) => this.offer(next, poller, queue));
    else if (queue.kind === 'called') {
      for (let next = queue.next(); next !== undefined; next = queue.next()) {
        queue.active++;
        next.phase = 'offered';
        next.heardAt = performance.now();
        this.called.send(next);
      }
    }
  }

  private readonly lookingUp = new Set<string>();

  private async lookUp(queue: AgentQueue, task: OpenTask): Promise<void> {
    if (this.lookingUp.has(queue.key)) return;
    this.lookingUp.add(queue.key);
    const { workspace, grant } = task.run.facts;
    try {
      await inCall({ traceparent: childTraceparent() }, async () => this.agents.find(workspace, queue.agent, await this.bus.as(grant)));
      this.lookingUp.delete(queue.key);
      this.pump(queue, task);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      const isPassing = fault.code === 'unavailable' || fault.code === 'timeout' || fault.code === 'limited';
      if (!isPassing) {
        this.lookingUp.delete(queue.key);
        if (fault.code === 'internal') log.error('an agent could not be looked up', { agent: queue.agent, err: thrown });
        const failure = fault.code === 'not_found' ? unknownAgent(queue.agent) : failureOf(fault);
        for (const open of [...this.tasks.values()]) {
          if (open.phase === 'queued' && this.queueOf(open) === queue && (fault.code === 'not_found' || open.run === task.run))
            this.end(open, failure);
        }
        const other = [...this.tasks.values()].find((open) => open.phase === 'queued' && this.queueOf(open) === queue);
        if (other) this.pump(queue, other);
        return;
      }
      task.because = `${fault.service ?? 'registry'}: ${fault.detail}`;
      await sleep(Math.min(2_000, Math.max(250, fault.retryAfterMs ?? 0)));
      this.lookingUp.delete(queue.key);
      if (this.queues.get(queue.key) === queue && task.phase === 'queued') this.pump(queue, task);
      else {
        const other = [...this.tasks.values()].find((open) => open.phase === 'queued' && this.queueOf(open) === queue);
        if (other) this.pump(queue, other);
      }
    }
  }

  private offer(task: OpenTask, poller: Poller, queue: AgentQueue): void {
    queue.active++;
    task.phase = 'offered';
    task.instance = poller.instance;
    task.principal = poller.principal;
    task.heardAt = performance.now();
    task.because = undefined;
  }

  private begin(task: OpenTask, startedAt: number): void {
    if (task.phase === 'gone') return;
    task.phase = 'running';
    task.heardAt = performance.now();
    task.because = undefined;
    if (task.deadline !== undefined) return;
    const { run, ref, step } = task;
    // A little past it, so that the core, which is asked by the committed start, agrees that it is due.
    task.deadline = this.alarm.set(startedAt + step.timeoutMs + 1, () => this.owner.feed(run, { type: 'due', timer: 'attempt', ...ref }));
  }

  private end(task: OpenTask, error: Failure): void {
    if (task.phase !== 'gone') this.owner.feed(task.run, { type: 'completed', ...task.ref, error });
  }

  private lose(task: OpenTask, how: string): void {
    const detail = `attempt ${task.ref.n} of ${task.key} was lost: ${how}`;
    const next = 'It is tried again where the step’s retry allows it; look into the log of the worker.';
    this.owner.feed(task.run, { type: 'lost', ...task.ref, error: { code: 'unavailable', detail, next } });
  }

  private forget(task: OpenTask, isCancelled: boolean): void {
    const wasActive = task.phase === 'offered' || task.phase === 'running';
    this.tasks.delete(task.id);
    this.alarm.cancel(task.deadline);
    const queue = this.queueOf(task);
    task.phase = 'gone';
    if (wasActive) queue.active--;
    if (isCancelled && wasActive) this.tellToStop(task, queue);
    if (queue.waiting > 0) this.pump(queue);
    else if (queue.isIdle) this.queues.delete(queue.key);
  }

  private tellToStop(task: OpenTask, queue: AgentQueue): void {
    if (queue.kind !== 'worker') return this.called.cancel([task.id]);
    if (task.instance === undefined) return;
    const key = `${task.run.facts.workspace} ${task.instance}`;
    const stops = this.toStop.get(key) ?? new Set();
    if (stops.size < cancelledMax) stops.add(task.id);
    if (this.toStop.size >= cancelledMax) this.toStop.clear();
    this.toStop.set(key, stops);
    for (const poller of queue.pollersOf(task.instance)) {
      queue.removePoller(poller);
      poller.give([]);
    }
  }

  private takeStops(workspace: string, instance: string): string[] {
    const key = `${workspace} ${instance}`;
    const stops = this.toStop.get(key);
    this.toStop.delete(key);
    return stops ? [...stops] : [];
  }

  private requireHolder(task: OpenTask, instance: string, principal: string | undefined): void {
    if (task.phase === 'queued' || task.phase === 'gone') return;
    const isOther = task.principal !== undefined && task.principal !== principal;
    if (isOther || (task.instance !== undefined && principal !== undefined && task.instance !== instance)) throw unwanted(task.id);
  }

  private sweep(): void {
    if (!this.ports.mayAct()) return;
    const at = performance.now();
    for (const task of this.tasks.values()) {
      const queue = this.queueOf(task);
      const silentMs = at - task.heardAt;
      if (task.phase === 'running') {
        const isWorker = queue.kind === 'worker';
        if (silentMs > (isWorker ? workerLostMs : calledLostMs)) {
          this.lose(task, `nothing was heard of it for ${Math.round(silentMs / 1_000)} s`);
        }
      } else if (task.phase === 'offered' && queue.kind === 'worker' && silentMs > offerMs) {
        task.phase = 'queued';
        task.instance = undefined;
        task.principal = undefined;
        queue.active--;
        queue.unshift(task);
        this.pump(queue);
      } else if (task.phase === 'offered' && queue.kind === 'called' && silentMs > calledLostMs) {
        task.heardAt = at;
        this.called.send(task);
      } else if (task.phase === 'queued' && queue.kind === undefined) this.pump(queue, task);
    }
  }
}

function unwanted(id: string): Fault {
  return new Fault('conflict', `the task ${id} is another’s, or nobody wants it any more`, 'Drop it and ask for other tasks.');
}

function unknownAgent(agent: string): Failure {
  return { code: 'not_found', detail: `there is no agent ${agent}`, next: 'Apply a manifest of that agent, or correct the step.' };
}
