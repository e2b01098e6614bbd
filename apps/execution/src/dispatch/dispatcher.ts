import type { Bus } from '@signalbox/shared/bus/bus.js';
import { tellQueue, type QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { isMirror } from '@signalbox/shared/contracts/execution/task-id.js';
import type { PlaceHolder } from '@signalbox/shared/contracts/execution/why-run.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { AttemptLog } from '@signalbox/workflow/core/attempt-log.js';
import type { AttemptRef, Effect, Failure, RunEvent } from '@signalbox/workflow/core/events.js';
import { mayRetry } from '@signalbox/workflow/core/graph.js';
import { sizeOf, type Json } from '@signalbox/workflow/core/json.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import { limitCause } from '../limits/limit-cause.ts';
import { LimitedPlaces } from '../limits/limited-places.ts';
import { LimitedRuns } from '../limits/limited-runs.ts';
import { LimitKeeper } from '../limits/limit-keeper.ts';
import { isMirrorTask, Mirrors } from '../mirrors/mirrors.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { Owner } from '../shards/owner.ts';
import type { Alarm } from '../timers/alarm.ts';
import type { AgentDirectory } from './agent-directory.ts';
import type { AgentQueue } from './agent-queue.ts';
import { CalledTasks } from './called-tasks.ts';
import { Failovers } from './failovers.ts';
import { isCalled, newTask, taskIdOf, type OpenTask } from './open-task.ts';
import { OthersTasks } from './others-tasks.ts';
import { ShardWords } from './shard-words.ts';
import { causeElsewhere, holdersOf, queueCause, type QueueCause } from './queue-cause.ts';
import { isActive, isLateToStart, offeredTask, offerMs, offerOf, queueKeyOf, type QueuedTask } from './queued-task.ts';
import { versionFor } from './route.ts';
import { TaskQueues } from './task-queues.ts';
import { WorkerLeases } from './worker-leases.ts';

/** Workers beat every 2 s; a task that is not heard of for three beats is lost. */
const workerLostMs = 6_000;
/** `protocol` beats every second; a task that is not heard of for five beats is lost. */
const calledLostMs = 5_000;
const sweepMs = 500;
const statusMax = 1_000;
/** Between looks at whether the runs of taken shards are loaded. */
const openingMs = 50;

export interface DispatcherPorts {
  mayAct(): boolean;
  /** Whether this replica owns the shard, and has loaded its runs. */
  owns(shard: number): boolean;
  /** Until when a queue waits that was taken from another, on the monotonic clock. */
  heldUntil(shard: number): number;
  /** Whether runs of shards that were just taken are being loaded: not all that has places is known. */
  isOpening(): boolean;
  /** Whether all owners have told what their runs hold of the limits of this shard. */
  arePlacesKnown(shard: number): boolean;
  /** Since when this replica has had a shard, and has loaded its runs; on the same clock. */
  takenAt(shard: number): number;
  /** What is to be said to a run that may rest, until that is written. */
  reach(uuid: string, event: RunEvent): void;
  /** A task of a run of ours was handed to this version of its agent, where that is known. */
  handed(task: string, version: number | undefined): void;
  /** An executor has a task, so many milliseconds after it was handed over here. */
  accepted(task: string, ms: number): void;
}

/**
 * Sends tasks out and hears of them: their runs' side. A task waits in its queue, here where this replica keeps it, else at the queue's owner.
 * In memory: what is open derives from the journal.
 */
export class Dispatcher {
  readonly tasks = new Map<string, OpenTask>();
  readonly leases: WorkerLeases;
  readonly others: OthersTasks;
  readonly failovers: Failovers;
  readonly queues: TaskQueues;
  readonly mirrors: Mirrors;
  private readonly called: CalledTasks;
  /** The limits that are kept here, and what waits for places of limits, here or elsewhere. */
  readonly keeper: LimitKeeper;
  readonly limited: LimitedPlaces<OpenTask>;
  readonly limitedRuns: LimitedRuns;
  private readonly words: ShardWords<QueueWord>;
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    private readonly bus: Bus,
    private readonly owner: Owner,
    private readonly alarm: Alarm,
    private readonly agents: AgentDirectory,
    private readonly ports: DispatcherPorts,
  ) {
    const end = (task: QueuedTask, error: Failure): void => this.end(task, error);
    this.called = new CalledTasks(bus, end);
    this.queues = new TaskQueues(bus, agents, this.called, {
      mayAct: ports.mayAct,
      mayBegin: (task) => this.mayBegin(task),
      handed: (task, version) => {
        if (task.kind === 'agent' && this.tasks.get(task.id) === task) ports.handed(task.id, version);
      },
      end,
      heldUntil: ports.heldUntil,
      heldBy: (queue, instance) =>
        [...this.kept()].filter((task) => task.queue === queue && task.instance === instance && isActive(task)).length,
    });
    this.leases = new WorkerLeases(this.queues, agents, {
      offerAgain: (...of) => this.offerAgain(...of),
      has: (id) => this.begun(id),
    });
    this.others = new OthersTasks(bus, this.queues, (task) => this.stopExecutor(task));
    this.words = new ShardWords(
      (shard, words) => bus.request(tellQueue, { words }, 'service', { shard }),
      ({ offer }) => 1_024 + sizeOf((offer?.input ?? null) as Json),
    );
    this.mirrors = new Mirrors(bus, agents, this.queues, this.words, { owns: ports.owns, stop: (task) => this.stopExecutor(task) });
    this.keeper = new LimitKeeper(bus, {
      mayAct: ports.mayAct,
      owns: ports.owns,
      heldUntil: (shard) => (ports.isOpening() || !ports.arePlacesKnown(shard) ? performance.now() + openingMs : ports.heldUntil(shard)),
      takenAt: ports.takenAt,
      granted: (id, limit) => this.granted(id, limit),
      replaced: (run) => this.limitedRuns.replaced(run),
      gone: (tasks) => this.gone(tasks),
    });
    this.limited = new LimitedPlaces(this.keeper, this.words, ports.owns, (task) => this.enter(task));
    this.limitedRuns = new LimitedRuns(bus, this.keeper, this.words, ports);
    this.failovers = new Failovers(bus, owner, (task) => this.why(task.run, task.ref));
    this.sweeper = setInterval(() => this.sweep(), sweepMs);
  }

  stop(): void {
    clearInterval(this.sweeper);
    this.failovers.stop();
    this.mirrors.stop();
    this.words.stop();
    this.keeper.stop();
    this.queues.stop();
    this.drop(new Set(this.runs()), () => true);
  }

  /** Puts an attempt into its queue, once it has its places of limits. `isAgain`: a former owner may have done so. */
  dispatch(run: LiveRun, { s, i, n, input, claims }: Effect & { e: 'dispatch' }, isAgain = false): void {
    const task = newTask(run, { s, i, n }, input);
    if (this.tasks.has(task.id)) return;
    if (isAgain) task.again = 'asks';
    if (claims === undefined) this.enter(task);
    else if (this.limited.waiting(task.id) === undefined) this.limited.ask(task, claims, unitOf(run.state, s, i)?.queuedAt);
  }

  /** Takes in an attempt that a former owner had seen begin: its executor is heard of, or the attempt is lost. */
  adopt(run: LiveRun, { s, i, n, input, claims }: Effect & { e: 'dispatch' }): OpenTask {
    const task = newTask(run, { s, i, n }, input);
    const unit = unitOf(run.state, s, i);
    task.instance = unit?.instance;
    task.phase = 'running';
    if (claims !== undefined) this.limited.hold(task, claims);
    this.enter(task);
    this.watch(task, unit?.startedAt ?? now());
    return task;
  }

  /** After a take-over: what was called is asked for; of what nobody knows, the attempt fails. Workers speak for themselves. */
  async askAfter(tasks: readonly OpenTask[]): Promise<void> {
    const called = tasks.filter(isCalled);
    for (let at = 0; at < called.length; at += statusMax) {
      const some = called.slice(at, at + statusMax);
      const running = await this.called.stillRunning(some.map(({ id }) => id));
      if (running === undefined) return;
      for (const task of some) if (!running.has(task.id) && task.phase === 'running') this.lose(task, 'it stopped with its executor');
    }
  }

  /** A task or a run has a place that it waits for. */
  granted(id: string, limit: string): void {
    this.limited.granted(id, limit);
    this.limitedRuns.granted(id, limit);
  }

  attemptEnded(run: LiveRun, effect: Effect & { e: 'attemptEnded' }): void {
    const id = taskIdOf(run, effect);
    this.limited.leave(id);
    const task = this.tasks.get(id);
    if (task === undefined) return;
    if (task.queue === null)
      this.words.tell(shardOfQueue(queueKeyOf(task)), { type: 'left', task: task.id, isCancelled: effect.isCancelled });
    else if (effect.isCancelled && isActive(task)) this.stopExecutor(task);
    this.forget(task);
  }

  /**
   * Runs and shards that are another's now. A task of such a run stays in its queue if that is kept here: its run's next owner speaks for it.
   * Tasks of our runs in such a queue are offered to its next owner.
   */
  drop(runs: ReadonlySet<LiveRun>, isGone: (shard: number) => boolean): void {
    for (const task of [...this.tasks.values()]) {
      if (!runs.has(task.run)) continue;
      this.tasks.delete(task.id);
      this.failovers.forget(task);
      this.alarm.cancel(task.deadline);
      if (task.queue === null || isGone(task.queue.shard)) task.phase = 'gone';
      else {
        const kept = offeredTask(task.id, offerOf(task));
        this.queues.replace(task, kept);
        this.others.keep(kept);
      }
    }
    this.limited.drop((task) => {
      if (runs.has(task.run)) task.phase = 'gone';
      return runs.has(task.run);
    });
    this.limitedRuns.drop(isGone);
    this.mirrors.leave(isGone);
    this.keeper.drop(isGone);
    this.limited.tellAgain(isGone);
    this.limitedRuns.tellAgain(isGone);
    this.others.drop(isGone);
    for (const task of this.tasks.values()) if (task.queue !== null && isGone(task.queue.shard)) this.offer(task);
    this.queues.drop(isGone);
  }

  /** Queues of these shards have another keeper than before, perhaps this replica: our tasks there are put in again. */
  moved(shards: ReadonlySet<number>): void {
    for (const shard of shards) this.words.forget(shard);
    this.mirrors.leave((shard) => shards.has(shard) && !this.ports.owns(shard));
    this.limited.tellAgain((shard) => shards.has(shard));
    this.limitedRuns.tellAgain((shard) => shards.has(shard));
    for (const task of this.tasks.values()) {
      if (task.queue === null && shards.has(shardOfQueue(queueKeyOf(task)))) this.place(task);
    }
  }

  /** Resolves when the owners of queues and limits have heard all that was said to them so far. */
  heard(): Promise<void> {
    return this.words.heard();
  }

  /** Which of these nobody wants any more. */
  gone(ids: readonly string[]): string[] {
    const isKnown = (id: string): boolean => this.tasks.has(id) || this.mirrors.find(id) !== undefined;
    return ids.filter((id) => !isKnown(id) && this.limited.waiting(id) === undefined && !this.limitedRuns.has(id));
  }

  /** An executor asks whether to begin. `conflict` when it may not. */
  async accept(id: string, instance: string, principal: string | undefined): Promise<void> {
    if (isMirror(id)) return this.mirrors.accept(id, instance, principal);
    const task = this.tasks.get(id);
    if (task === undefined || !this.mayHold(task, instance, principal) || this.isFenced(task, instance)) throw unwanted(id);
    task.isHeard = true;
    if (task.phase === 'running') return;
    if (task.queue !== null && task.handedAt !== undefined) this.ports.accepted(id, performance.now() - task.handedAt);
    const { ref, run } = task;
    const version = task.routed ?? (await this.routedElsewhere(task));
    const accepted = { type: 'accepted' as const, instance, ...ref, ...(version !== undefined && { version }) };
    const outcome = await this.owner.deliver(run.uuid, accepted, mayBeLost(task));
    if (outcome === 'stale' || outcome === undefined) throw unwanted(id);
    if (this.tasks.get(id) !== task) return; // it has ended meanwhile
    task.principal ??= principal;
    task.heardAt = performance.now();
    this.queues.began(task, instance);
    if (task.queue === null) this.words.tell(shardOfQueue(queueKeyOf(task)), { type: 'began', task: id, instance });
    this.watch(task, now());
  }

  /** An executor still works on these; answers with those that nobody wants any more. */
  beat(ids: readonly string[], instance: string | undefined, principal: string | undefined): string[] {
    return ids.filter((id) => {
      if (isMirror(id)) return !this.mirrors.beat(id, instance, principal);
      const task = this.tasks.get(id) ?? this.underWay(id);
      if (task === undefined || !this.mayHold(task, instance, principal)) return true;
      task.heardAt = performance.now();
      task.isHeard = true;
      // A former owner let it begin and died before that was written: it goes on.
      if (task.phase === 'offered') this.begun(id);
      else if (task.phase === 'queued') void this.accept(id, instance ?? 'protocol', principal).catch(() => undefined);
      return false;
    });
  }

  /**
   * Its executor, which was let begin without asking, has it: only now that is written down, so that a new owner gives out at once what an answer that
   * was lost had brought to nobody.
   */
  begun(id: string): void {
    const task = this.tasks.get(id);
    if (task?.phase !== 'offered' || task.begunAt === undefined || task.instance === undefined) return;
    const { run, ref, instance, begunAt, routed } = task;
    const accepted = { type: 'accepted' as const, instance, at: begunAt, ...ref, ...(routed !== undefined && { version: routed }) };
    if (this.owner.feed(run, accepted, true).outcome === 'stale') return;
    this.queues.began(task, instance);
    this.watch(task, begunAt);
  }

  /** The task, where this is who holds it. */
  heldBy(id: string, principal: string | undefined): OpenTask | undefined {
    const task = this.tasks.get(id);
    return task !== undefined && (task.principal === undefined || task.principal === principal) ? task : undefined;
  }

  /** All that an instance held is lost: it said goodbye, or its connection was gone for too long. Returns how many tasks that were. */
  instanceGone(workspace: string, agent: string, instance: string): number {
    const isIts = (task: QueuedTask): boolean => isOf(task, workspace, agent, instance);
    let taken = [...this.kept()].filter((task) => task.phase === 'offered' && !task.isMirror && isIts(task)).length;
    this.offerAgain(workspace, agent, instance);
    for (const task of [...this.tasks.values()]) {
      if (task.phase !== 'running' || !isIts(task)) continue;
      taken++;
      this.lose(task, `its worker ${instance} is gone`);
    }
    this.mirrors.lose(isIts, `its worker ${instance} is gone`);
    return taken;
  }

  /** An agent or one of its instances is isolated: what it had is taken back, and what comes of it is refused. Returns how many tasks that were. */
  isolate(workspace: string, agent: string, instance: string | undefined): number {
    if (instance !== undefined) this.agents.fence(workspace, agent, instance);
    let taken = 0;
    for (const task of [...this.kept()]) {
      if (task.phase !== 'offered' || !isOf(task, workspace, agent, instance) || isCalled(task)) continue;
      if (!task.isMirror) taken++;
      this.queues.putBack(task);
    }
    this.mirrors.lose((task) => isOf(task, workspace, agent, instance), 'it was isolated');
    for (const task of [...this.tasks.values()]) {
      if (task.phase !== 'running' || !isOf(task, workspace, agent, instance)) continue;
      taken++;
      this.stopExecutor(task);
      this.lose(task, `${instance === undefined ? agent : `its worker ${instance}`} was isolated`);
    }
    return taken;
  }

  /** What an instance was given and has said nothing of may never have reached it. Returns what it is to be given once more. */
  private offerAgain(workspace: string, agent: string, instance: string): QueuedTask[] {
    const again: QueuedTask[] = [];
    for (const task of this.kept()) {
      if (task.instance !== instance || task.target !== agent || task.workspace !== workspace) continue;
      if (task.phase === 'offered') this.queues.putBack(task);
      else if (task.phase === 'running' && this.tasks.get(task.id)?.isHeard === false) again.push(task);
    }
    return again;
  }

  agentChanged(workspace: string, agent: string): void {
    this.agents.forget(workspace, agent);
    this.mirrors.agentChanged(workspace, agent);
    const queue = this.queues.find(workspace, agent);
    if (queue) this.queues.pump(queue, true);
  }

  /** What was said of an attempt that is under way. */
  logOf(run: LiveRun, ref: AttemptRef): AttemptLog | undefined {
    return this.tasks.get(taskIdOf(run, ref))?.log;
  }

  /** Why a queued attempt is not under way. */
  why(run: LiveRun, ref: AttemptRef): QueueCause | undefined {
    const id = taskIdOf(run, ref);
    const awaited = this.limited.awaited(id);
    if (awaited !== undefined) return limitCause(id, awaited, this.ports.owns(awaited.shard) ? this.keeper : undefined);
    const task = this.tasks.get(id);
    if (task === undefined) return undefined;
    return task.queue === null ? causeElsewhere(task) : queueCause(task, task.queue, this.queues.turns, () => this.kept());
  }

  /** The same of a task in a queue that is kept here, whoever owns its run. */
  whyHere(id: string): QueueCause | undefined {
    const task = this.tasks.get(id) ?? this.others.find(id);
    return task === undefined || task.queue === null ? undefined : queueCause(task, task.queue, this.queues.turns, () => this.kept());
  }

  /** Who has the places of queues that are kept here. */
  holdersOf(queues: ReadonlySet<AgentQueue>): Map<AgentQueue, PlaceHolder[]> {
    return holdersOf(queues, this.kept());
  }

  /** The lease was renewed after a gap of our own: nobody is blamed for beats that we could not hear. */
  resume(): void {
    for (const task of this.tasks.values()) task.heardAt = performance.now();
    this.mirrors.resume();
    this.queues.pumpAll();
    this.keeper.pumpAll();
  }

  /** The version that a rollout chose for a task which another replica handed out: by the same rule, from what is known here. */
  private async routedElsewhere(task: OpenTask): Promise<number | undefined> {
    const { kind, version, workspace, target, grant } = task;
    if (kind !== 'agent' || version !== undefined || task.queue !== null) return undefined;
    try {
      const { route } = this.agents.peek(workspace, target) ?? (await this.agents.find(workspace, target, await this.bus.as(grant)));
      return route === undefined ? undefined : versionFor(route, task);
    } catch (err) {
      // Only the measures of a rollout miss it.
      log.debug('it was not found out which version has a task', { task: task.id, err });
      return undefined;
    }
  }

  private isFenced({ kind, workspace, target }: OpenTask, instance: string): boolean {
    return kind === 'agent' && this.agents.isFenced(workspace, target, instance);
  }

  /** Whether this executor may accept it, or holds it. What waits in the queue may be anyone's who is allowed to work for the agent. */
  private mayHold(task: OpenTask, instance: string | undefined, principal: string | undefined): boolean {
    if (task.phase === 'queued') return true;
    if (task.principal !== undefined && task.principal !== principal) return false;
    return task.instance === undefined || principal === undefined || task.instance === instance;
  }

  /** A task that waits for places while somebody works on it: a former owner let it begin and died before that was written. */
  private underWay(id: string): OpenTask | undefined {
    const task = this.limited.waiting(id);
    if (task === undefined) return undefined;
    this.limited.holdAll(id);
    this.enter(task);
    return task;
  }

  /** Being handed a task is the word to begin where another attempt could follow a lost one; where its start is timed, that it asks is the start. */
  private mayBegin(task: QueuedTask): boolean {
    const open = this.tasks.get(task.id);
    if (open !== task || open.startMs !== undefined) return false;
    // Of a run that has just ended the task is in its queue until that is committed; what was set aside for it is given back already.
    const unit = unitOf(open.run.state, open.ref.s, open.ref.i);
    return unit?.status === 'queued' && unit.attempt === open.ref.n && mayBeLost(open);
  }

  /** Sets the timer that ends an attempt which takes too long. */
  private watch(task: OpenTask, startedAt: number): void {
    if (task.phase === 'gone' || task.deadline !== undefined) return;
    const { run, ref, step } = task;
    // A little past it, so that the core, which goes by the recorded start, agrees that it is due.
    task.deadline = this.alarm.set(startedAt + step.timeoutMs + 1, () => this.owner.feed(run, { type: 'due', timer: 'attempt', ...ref }));
  }

  private enter(task: OpenTask): void {
    this.tasks.set(task.id, task);
    this.failovers.watch(task);
    const before = this.others.find(task.id);
    if (before === undefined) return this.place(task);
    // It was in a queue here while another owned its run.
    this.others.forget(task.id);
    if (task.phase === 'queued') {
      this.queues.replace(before, task);
      if (isRunning(task)) this.watch(task, now());
    } else {
      this.queues.left(before);
      this.queues.enter(task);
    }
  }

  private place(task: OpenTask): void {
    if (this.ports.owns(shardOfQueue(queueKeyOf(task)))) this.queues.enter(task);
    else this.offer(task);
  }

  private offer(task: OpenTask): void {
    if (task.phase === 'offered') task.phase = 'queued';
    task.queue = null;
    if (task.phase === 'queued') task.instance = task.principal = undefined;
    const running = task.phase === 'running' && { instance: task.instance ?? '' };
    this.words.tell(shardOfQueue(queueKeyOf(task)), { type: 'offer', task: task.id, offer: offerOf(task), ...running });
  }

  private end(task: QueuedTask, error: Failure): void {
    if (isMirrorTask(task)) return this.mirrors.refused(task, error);
    const open = this.tasks.get(task.id);
    if (open !== task) this.others.end(task, error);
    else if (open.phase !== 'gone') this.owner.feed(open.run, { type: 'completed', ...open.ref, error });
  }

  /** Said once: whether it counts, its run knows, where it may have been accepted by now. */
  private lateToStart(task: QueuedTask): void {
    task.handedAt = undefined;
    const open = this.tasks.get(task.id);
    if (open !== task) this.others.late(task);
    else this.owner.feed(open.run, { type: 'due', timer: 'start', ...open.ref });
  }

  private lose(task: OpenTask, how: string): void {
    this.failovers.flush(task);
    const detail = `attempt ${task.ref.n} of ${task.key} was lost: ${how}`;
    const next = 'It is tried again where the step’s retry allows it; look into the log of the worker.';
    this.owner.feed(task.run, { type: 'lost', ...task.ref, error: { code: 'unavailable', detail, next } });
  }

  private forget(task: OpenTask): void {
    this.tasks.delete(task.id);
    this.failovers.forget(task);
    this.alarm.cancel(task.deadline);
    this.queues.left(task);
  }

  /** Whoever has the task is to stop. */
  private stopExecutor(task: QueuedTask): void {
    if (isCalled(task)) this.called.cancel([task.id]);
    else this.leases.stop(task);
  }

  /** All tasks in queues that are kept here. */
  private *kept(): Iterable<QueuedTask> {
    for (const task of this.tasks.values()) if (task.queue !== null) yield task;
    yield* this.others.all();
    yield* this.mirrors.kept();
  }

  private *runs(): Iterable<LiveRun> {
    for (const { run } of this.tasks.values()) yield run;
    for (const { run } of this.limited.all()) yield run;
  }

  private sweep(): void {
    if (!this.ports.mayAct()) return;
    const at = performance.now();
    for (const task of this.tasks.values()) {
      const silentMs = at - task.heardAt;
      if (task.phase === 'running' && silentMs > (isCalled(task) ? calledLostMs : workerLostMs))
        this.lose(task, `nothing was heard of it for ${Math.round(silentMs / 1_000)} s`);
    }
    for (const task of this.kept()) {
      const silentMs = at - task.heardAt;
      if (isLateToStart(task, at)) this.lateToStart(task);
      else if (task.phase === 'offered' && isCalled(task) && silentMs > calledLostMs) {
        task.heardAt = at;
        this.called.send(task);
      } else if (task.phase === 'offered' && !isCalled(task) && silentMs > offerMs) this.queues.putBack(task);
      else if (task.phase === 'queued' && task.queue?.kind === undefined) this.queues.pump(task.queue as AgentQueue);
    }
    this.others.sweep();
    this.mirrors.sweep();
    this.failovers.look();
  }
}

/** Whether another attempt can and may follow this one; else it must be known to have begun before it may. */
function mayBeLost({ step, run, ref }: OpenTask): boolean {
  const unit = unitOf(run.state, ref.s, ref.i);
  // What it uses is set aside once: nobody else may begin the same attempt.
  return unit?.holds === undefined && step.onCrash === undefined && mayRetry(step.retry, 'unavailable', ref.n - (unit?.base ?? 0));
}

function isRunning({ phase }: QueuedTask): boolean {
  return phase === 'running';
}

function isOf(task: QueuedTask, workspace: string, agent: string, instance: string | undefined): boolean {
  const { kind, target } = task;
  return kind === 'agent' && target === agent && task.workspace === workspace && (instance === undefined || task.instance === instance);
}

function unwanted(id: string): Fault {
  return new Fault('conflict', `the task ${id} is another’s, or nobody wants it any more`, 'Drop it and ask for other tasks.');
}
