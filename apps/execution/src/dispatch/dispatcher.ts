import type { Bus } from '@signalbox/shared/bus/bus.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { AttemptRef, Effect, Failure } from '../core/events.ts';
import { mayRetry } from '../core/graph.ts';
import { unitOf } from '../core/state.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { Owner } from '../shards/owner.ts';
import type { Alarm } from '../timers/alarm.ts';
import type { AgentDirectory } from './agent-directory.ts';
import { CalledTasks } from './called-tasks.ts';
import { newTask, taskIdOf, type OpenTask } from './open-task.ts';
import { TaskQueues } from './task-queues.ts';
import { WorkerLeases } from './worker-leases.ts';

/** Workers beat every 2 s; a task that is not heard of for three beats is lost. */
const workerLostMs = 6_000;
/** `protocol` beats every second; a task that is not heard of for five beats is lost. */
const calledLostMs = 5_000;
/** A task that was handed over and not accepted goes back to the queue after this. */
const offerMs = 10_000;
const sweepMs = 500;
const statusMax = 1_000;

/** Sends tasks out and hears of them: queues per agent, leases kept by heartbeats. In memory: what is open derives from the journal. */
export class Dispatcher {
  readonly tasks = new Map<string, OpenTask>();
  readonly leases: WorkerLeases;
  private readonly queues: TaskQueues;
  private readonly called: CalledTasks;
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    bus: Bus,
    private readonly owner: Owner,
    private readonly alarm: Alarm,
    private readonly agents: AgentDirectory,
    private readonly mayAct: () => boolean,
  ) {
    const end = (task: OpenTask, error: Failure): void => this.end(task, error);
    this.called = new CalledTasks(bus, end);
    this.queues = new TaskQueues(bus, agents, this.called, { mayAct, end });
    this.leases = new WorkerLeases(this.queues, agents, (...of) => this.offerAgain(...of));
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
    const task = newTask(run, { s, i, n }, input, this.queues.of);
    if (this.tasks.has(task.id)) return;
    this.tasks.set(task.id, task);
    task.queue.push(task);
    this.queues.pump(task.queue);
  }

  /** Takes in an attempt that a former owner had seen begin: its executor is heard of, or the attempt is lost. */
  adopt(run: LiveRun, { s, i, n, input }: Effect & { e: 'dispatch' }): OpenTask {
    const task = newTask(run, { s, i, n }, input, this.queues.of);
    const unit = unitOf(run.state, s, i);
    task.instance = unit?.instance;
    this.tasks.set(task.id, task);
    task.queue.active++;
    this.begin(task, unit?.startedAt ?? now());
    return task;
  }

  /** After a take-over: what was called is asked for; of what nobody knows, the attempt fails. Workers speak for themselves. */
  async askAfter(tasks: readonly OpenTask[]): Promise<void> {
    const called = tasks.filter(
      ({ step, queue, instance }) => step.kind !== 'agent' || queue.kind === 'called' || instance?.startsWith('protocol') === true,
    );
    for (let at = 0; at < called.length; at += statusMax) {
      const some = called.slice(at, at + statusMax);
      const running = await this.called.stillRunning(some.map(({ id }) => id));
      if (running === undefined) return;
      for (const task of some) if (!running.has(task.id) && task.phase === 'running') this.lose(task, 'it stopped with its executor');
    }
  }

  attemptEnded(run: LiveRun, effect: Effect & { e: 'attemptEnded' }): void {
    const task = this.tasks.get(taskIdOf(run, effect));
    if (task) this.forget(task, effect.isCancelled);
  }

  /** Forgets the tasks of a run without a word: it is another's. */
  drop(run: LiveRun): void {
    for (const task of [...this.tasks.values()]) if (task.run === run) this.forget(task, false);
  }

  /** An executor asks whether to begin. `conflict` when it may not. */
  async accept(id: string, instance: string, principal: string | undefined): Promise<void> {
    const task = this.tasks.get(id);
    if (task === undefined || !this.mayHold(task, instance, principal)) throw unwanted(id);
    if (task.phase === 'running') return;
    const { step, ref, run } = task;
    const unit = unitOf(run.state, ref.s, ref.i);
    // Where a lost attempt could not be followed by another, it must be known to have begun before it may.
    const isSoft = mayRetry(step.retry, 'unavailable', ref.n - (unit?.base ?? 0));
    const wasQueued = task.phase === 'queued';
    const outcome = await this.owner.deliver(run.uuid, { type: 'accepted', instance, ...ref }, isSoft);
    if (outcome === 'stale' || outcome === undefined) throw unwanted(id);
    if (wasQueued) task.queue.active++;
    task.instance = instance;
    task.principal ??= principal;
    this.begin(task, now());
  }

  /** An executor still works on these; answers with those that nobody wants any more. */
  beat(ids: readonly string[], instance: string | undefined, principal: string | undefined): string[] {
    return ids.filter((id) => {
      const task = this.tasks.get(id);
      if (task === undefined || !this.mayHold(task, instance, principal)) return true;
      task.heardAt = performance.now();
      // A former owner let it begin and died before that was written: it goes on.
      if (task.phase === 'queued') void this.accept(id, instance ?? 'protocol', principal).catch(() => undefined);
      return false;
    });
  }

  /** The task, where this is who holds it. */
  heldBy(id: string, principal: string | undefined): OpenTask | undefined {
    const task = this.tasks.get(id);
    return task !== undefined && (task.principal === undefined || task.principal === principal) ? task : undefined;
  }

  /** All that an instance held is lost: it said goodbye, or its connection was gone for too long. */
  instanceGone(workspace: string, agent: string, instance: string): void {
    this.offerAgain(workspace, agent, instance);
    for (const task of [...this.tasks.values()]) {
      if (task.phase === 'running' && task.instance === instance && task.target === agent && task.run.facts.workspace === workspace)
        this.lose(task, `its worker ${instance} is gone`);
    }
  }

  /** What an instance was offered and has not accepted may never have reached it. */
  private offerAgain(workspace: string, agent: string, instance: string): void {
    for (const task of this.tasks.values()) {
      if (task.phase === 'offered' && task.instance === instance && task.target === agent && task.run.facts.workspace === workspace)
        this.queues.putBack(task);
    }
  }

  agentChanged(workspace: string, agent: string): void {
    this.agents.forget(workspace, agent);
    const queue = this.queues.find(workspace, agent);
    if (queue) this.queues.pump(queue, true);
  }

  /** Why a queued attempt is not under way. */
  why(run: LiveRun, ref: AttemptRef): { on: string; because: string } | undefined {
    const task = this.tasks.get(taskIdOf(run, ref));
    if (task === undefined) return undefined;
    const { queue, step, target, because } = task;
    const on = step.kind === 'agent' ? `agent:${target}` : step.kind === 'tool' ? `tool:${target}` : 'service:context';
    if (because !== undefined) return { on, because };
    if (queue.active >= queue.limit) return { on, because: `all ${queue.limit} places are taken, ${queue.waiting} tasks wait` };
    if (queue.kind === 'worker')
      return { on, because: queue.isWatched ? 'a worker is about to take it' : 'no worker of it asks for tasks' };
    return { on, because: 'it is being handed over' };
  }

  /** The lease was renewed after a gap of our own: nobody is blamed for beats that we could not hear. */
  resume(): void {
    for (const task of this.tasks.values()) task.heardAt = performance.now();
    this.queues.pumpAll();
  }

  /** Whether this executor may accept it, or holds it. What waits in the queue may be anyone's who is allowed to work for the agent. */
  private mayHold(task: OpenTask, instance: string | undefined, principal: string | undefined): boolean {
    if (task.phase === 'queued') return true;
    if (task.principal !== undefined && task.principal !== principal) return false;
    return task.instance === undefined || principal === undefined || task.instance === instance;
  }

  private begin(task: OpenTask, startedAt: number): void {
    if (task.phase === 'gone') return;
    task.phase = 'running';
    task.heardAt = performance.now();
    task.because = undefined;
    if (task.deadline !== undefined) return;
    const { run, ref, step } = task;
    // A little past it, so that the core, which goes by the recorded start, agrees that it is due.
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
    task.phase = 'gone';
    const { queue } = task;
    if (wasActive) queue.active--;
    if (isCancelled && wasActive) {
      if (queue.kind === 'called') this.called.cancel([task.id]);
      else this.leases.stop(task);
    }
    this.queues.pump(queue);
  }

  private sweep(): void {
    if (!this.mayAct()) return;
    const at = performance.now();
    for (const task of this.tasks.values()) {
      const silentMs = at - task.heardAt;
      const isCalled = task.queue.kind === 'called';
      if (task.phase === 'running' && silentMs > (isCalled ? calledLostMs : workerLostMs)) {
        this.lose(task, `nothing was heard of it for ${Math.round(silentMs / 1_000)} s`);
      } else if (task.phase === 'offered' && isCalled && silentMs > calledLostMs) {
        task.heardAt = at;
        this.called.send(task);
      } else if (task.phase === 'offered' && !isCalled && silentMs > offerMs) this.queues.putBack(task);
      else if (task.phase === 'queued' && task.queue.kind === undefined) this.queues.pump(task.queue);
    }
  }
}

function unwanted(id: string): Fault {
  return new Fault('conflict', `the task ${id} is another’s, or nobody wants it any more`, 'Drop it and ask for other tasks.');
}
