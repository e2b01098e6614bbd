import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { ApprovalRow } from '../approvals/approval-row.ts';
import type { AttemptLog } from '@signalbox/workflow/core/attempt-log.js';
import { nothing as nothingSpent, totalOf, usedOf, type Spend } from '@signalbox/workflow/core/budget.js';
import { decide } from '@signalbox/workflow/core/decide.js';
import { runDue } from '@signalbox/workflow/core/ending.js';
import type { AttemptRef, Effect, RunEvent, Transition } from '@signalbox/workflow/core/events.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import { hasEnded, newRun, type RunState } from '@signalbox/workflow/core/state.js';
import type { Turn } from '@signalbox/workflow/core/turn.js';
import type { OutboxEvent } from '../journal/append.ts';
import { newRunUuid } from '../journal/identifiers.ts';
import type { Journal } from '../journal/journal.ts';
import type { Alarm } from '../timers/alarm.ts';
import type { Culprit } from './culprit.ts';
import { LiveRun, type LiveRunPorts, type RunFacts } from './live-run.ts';

/** Soft transitions (an attempt began) wait at most this long for a row to go with. */
const softMs = 50;
/** Ended runs whose state is kept for a while, so that a repeated report is answered without reading the journal. */
const endedMax = 2_000;

/** What the owner hands out once it is committed. */
export interface OwnerPorts {
  dispatch(run: LiveRun, effect: Effect & { e: 'dispatch' }): void;
  attemptEnded(run: LiveRun, effect: Effect & { e: 'attemptEnded' }): void;
  /** What was said of an attempt that is under way. */
  logOf(run: LiveRun, ref: AttemptRef): AttemptLog | undefined;
  enter(run: LiveRun, effect: Effect & { e: 'enter' }): void;
  seek(run: LiveRun, effect: Effect & { e: 'seek' }): void;
  startChild(run: LiveRun, effect: Effect & { e: 'startChild' }): void;
  /** A budget above the run is to give it more. */
  wantBudget(run: LiveRun, scope: string): void;
  /** It has ended: what it has of budgets above it is settled. */
  ended(run: LiveRun): void;
  /** Transitions that are being committed, with the number of the first: what tells of them is made ready. */
  announced(run: LiveRun, seq: number, transitions: readonly Transition[]): void;
  /** The same, once they are committed. */
  published(run: LiveRun, seq: number, transitions: readonly Transition[]): void;
  eventsOf(run: LiveRun, transitions: readonly Transition[], approvals: readonly ApprovalRow[]): OutboxEvent[];
  /** What all of a run waits has changed, or it does something: see `Resting`. */
  idled(run: LiveRun): void;
  /** Feeds an event to a run that is not in memory here, if it lives: until that is written, or another owns it. */
  reach(uuid: string, event: RunEvent): void;
  /** Loads a run again that another owner, or a start with the same key, may have written. */
  reload(run: LiveRun): void;
  /** What handles a run threw, or the journal refuses what it wants to write: it is let go of. */
  broke(run: LiveRun): void;
}

const nothing: Turn = { outcome: 'stale', transitions: [], effects: [] };

/** Holds live runs, feeds them events, has what they decide committed, and only then lets it out. */
export class Owner implements LiveRunPorts {
  private readonly runs = new Map<string, LiveRun>();
  private readonly ended = new Map<string, LiveRun>();
  private readonly endWaiters = new Map<string, Set<() => void>>();
  private readonly soft = new Set<LiveRun>();
  private softTimer: NodeJS.Timeout | undefined;
  private ports!: OwnerPorts;

  constructor(
    private readonly journal: Journal,
    private readonly alarm: Alarm,
    private readonly culprit: Culprit,
    /** The epoch in which this replica took a shard. */
    readonly epochOf: (shard: number) => number | undefined,
  ) {}

  /** Called once: the ports need the owner too. */
  connect(ports: OwnerPorts): void {
    this.ports = ports;
  }

  get size(): number {
    return this.runs.size;
  }

  find(uuid: string): LiveRun | undefined {
    return this.runs.get(uuid);
  }

  all(): IterableIterator<LiveRun> {
    return this.runs.values();
  }

  /** A run that ended here not long ago. */
  findEnded(uuid: string): LiveRun | undefined {
    return this.ended.get(uuid);
  }

  /** Starts a run; resolves when its start is committed. Rejects with `StartLost` when its key or id was used before. */
  async start(uuid: string, graph: Graph, facts: RunFacts, event: RunEvent & { type: 'start' }): Promise<LiveRun> {
    const run = new LiveRun(uuid, newRun(uuid, graph), facts, this, 0);
    this.runs.set(uuid, run);
    const epoch = this.epochOf(facts.shard);
    this.feed(run, { ...event, ...(epoch !== undefined && { epoch }) });
    if (this.runs.get(uuid) !== run) throw broken(run);
    await run.settle();
    return run;
  }

  /** Takes a loaded run in. `seq`: the number of its next transition. */
  adopt(uuid: string, state: RunState, facts: RunFacts, seq: number, rests: boolean): LiveRun {
    const run = new LiveRun(uuid, state, facts, this, seq, rests);
    this.runs.set(uuid, run);
    return run;
  }

  /**
   * Feeds an event to a run. Resolves with what it meant once that is committed (`isSoft`: at once). `undefined`: the run is not live here.
   */
  async deliver(uuid: string, event: RunEvent, isSoft = false): Promise<Turn['outcome'] | undefined> {
    const run = this.runs.get(uuid);
    if (run === undefined) return undefined;
    const turn = this.feed(run, event, isSoft);
    if (run.isLetGo) throw broken(run);
    if (turn.outcome !== 'stale' && !isSoft) await run.settle();
    return turn.outcome;
  }

  /** As `deliver`, for those who need no answer. */
  feed(run: LiveRun, event: RunEvent, isSoft = false): Turn {
    const turn = this.guarded(run, () => this.decide(run, event)) ?? nothing;
    if (turn.transitions.length > 0) {
      run.add(turn.transitions, turn.effects, isSoft);
      if (isSoft) this.flushSoon(run);
    }
    return turn;
  }

  /** Calls `done` when the run has ended and that is committed, or it is not here any more: now, if it is not here. Returns what takes that back. */
  onEnded(uuid: string, done: () => void): () => void {
    if (!this.runs.has(uuid)) {
      done();
      return () => undefined;
    }
    const waiters = this.endWaiters.get(uuid) ?? new Set();
    this.endWaiters.set(uuid, waiters);
    waiters.add(done);
    return () => {
      waiters.delete(done);
      if (waiters.size === 0 && this.endWaiters.get(uuid) === waiters) this.endWaiters.delete(uuid);
    };
  }

  /** Does what a transition's effects ask for; also for what a new owner finds open. */
  perform(run: LiveRun, effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.e) {
        case 'dispatch':
          this.ports.dispatch(run, effect);
          break;
        case 'attemptEnded':
          this.ports.attemptEnded(run, effect);
          break;
        case 'enter':
          this.ports.enter(run, effect);
          break;
        case 'seek':
          this.ports.seek(run, effect);
          break;
        case 'startChild':
          this.ports.startChild(run, effect);
          break;
        case 'wakeAt': {
          const { timer, s, i, n, due } = effect;
          const key = `${timer} ${s} ${i}`;
          const wake = (): void => {
            run.timers.delete(key);
            this.tick(run, { type: 'due', timer, s, i, n });
          };
          this.alarm.cancel(run.timers.get(key));
          run.timers.set(key, this.alarm.set(due, wake));
          break;
        }
        case 'watch':
          this.watch(run);
          break;
        case 'cancelChild': {
          const child = this.runs.get(effect.run);
          const cancel: RunEvent = { type: 'cancel', by: `its parent ${run.id}` };
          if (child) this.feed(child, cancel);
          else this.ports.reach(effect.run, cancel);
          break;
        }
        case 'unsendable': {
          const { s, i, n, error } = effect;
          const child = run.state.steps[s]?.units[Math.max(0, i)]?.child;
          this.feed(run, child === undefined ? { type: 'completed', s, i, n, error } : { type: 'childEnded', s, i, child, error });
          break;
        }
        case 'wantBudget':
          this.ports.wantBudget(run, effect.scope);
          break;
        case 'ended':
          this.end(run);
          break;
      }
    }
  }

  /** Sets the timer that ends a run, or what its end leads to, when that takes too long. */
  watch(run: LiveRun): void {
    this.alarm.cancel(run.timers.get('run'));
    run.timers.set(
      'run',
      this.alarm.set(runDue(run.state), () => this.tick(run, { type: 'due', timer: 'run' })),
    );
  }

  private tick(run: LiveRun, event: RunEvent): void {
    if (this.runs.get(run.uuid) === run) this.feed(run, event);
  }

  /** Lets go of runs: another owner has them now, or this one stops. */
  drop(runs: Iterable<LiveRun>, reason: Fault): void {
    for (const run of runs) {
      this.runs.delete(run.uuid);
      this.soft.delete(run);
      run.drop(reason);
      for (const timer of run.timers.values()) this.alarm.cancel(timer);
      for (const done of [...(this.endWaiters.get(run.uuid) ?? [])]) done();
    }
  }

  /** Lets go of a run that rests: it is loaded again when something is due or said to it. */
  letRest(run: LiveRun): void {
    this.runs.delete(run.uuid);
    for (const timer of run.timers.values()) this.alarm.cancel(timer);
    run.timers.clear();
    const above = run.facts.parent === null ? undefined : this.runs.get(run.facts.parent);
    if (above) this.ports.idled(above);
  }

  /** Whether somebody waits here for the end of a run. */
  isAwaited(uuid: string): boolean {
    return this.endWaiters.has(uuid);
  }

  /** Appends what is soft, now: before a stop. */
  flushSoft(): void {
    for (const run of this.soft) run.flush();
    this.soft.clear();
  }

  push(run: LiveRun): void {
    this.soft.delete(run);
    this.journal.push(run.uuid, run);
  }

  eventsOf(run: LiveRun, transitions: readonly Transition[], approvals: readonly ApprovalRow[]): OutboxEvent[] {
    return this.ports.eventsOf(run, transitions, approvals);
  }

  sent(run: LiveRun, seq: number, transitions: readonly Transition[]): void {
    this.guarded(run, () => this.ports.announced(run, seq, transitions));
  }

  committed(run: LiveRun, seq: number, transitions: Transition[], effects: Effect[]): void {
    this.guarded(run, () => {
      if (seq === 0) this.watch(run);
      this.perform(run, effects);
      this.ports.published(run, seq, transitions);
    });
    if (this.runs.get(run.uuid) !== run) return;
    if (transitions.at(-1)?.t === 'rested' && run.isClean) this.letRest(run);
    else this.ports.idled(run);
  }

  dropped(run: LiveRun, outcome: 'lost' | 'refused', cause: unknown): void {
    if (this.runs.get(run.uuid) === run) this.runs.delete(run.uuid);
    for (const timer of run.timers.values()) this.alarm.cancel(timer);
    if (outcome === 'lost') return this.ports.reload(run);
    log.error('the journal refuses what a run wants to write', { run: run.id, err: cause });
    if (!run.isUnborn) this.ports.broke(run);
  }

  /**
   * Does what concerns one run. Where that throws, what is in memory of the run may be half done: it is let go of and loaded again, or set aside after
   * some times, and the others go on.
   */
  guarded<T>(run: LiveRun, work: () => T): T | undefined {
    try {
      return this.culprit.during(run.uuid, work);
    } catch (err) {
      log.error('a run broke what handles it and is let go of', { run: run.id, err });
      this.drop([run], broken(run, err));
      if (!run.isUnborn) this.ports.broke(run);
      return undefined;
    }
  }

  private decide(run: LiveRun, event: RunEvent): Turn {
    // Children and approvals are in the run's shard: who owns it owns them, and what is asked of one finds it by its identifier.
    const newId = (): string => newRunUuid(now(), run.facts.shard);
    const logOf = (ref: AttemptRef): AttemptLog | undefined => this.ports.logOf(run, ref);
    return decide(run.state, event, { at: now(), random: Math.random, newRunId: newId, newId, logOf });
  }

  private end(run: LiveRun): void {
    if (!hasEnded(run.state)) return;
    this.runs.delete(run.uuid);
    this.ports.ended(run);
    for (const timer of run.timers.values()) this.alarm.cancel(timer);
    run.timers.clear();
    this.ended.set(run.uuid, run);
    if (this.ended.size > endedMax) {
      for (const oldest of this.ended.keys()) {
        this.ended.delete(oldest);
        break;
      }
    }
    for (const done of [...(this.endWaiters.get(run.uuid) ?? [])]) done();
    const { parent } = run.state;
    if (parent === undefined) return;
    const above = this.runs.get(parent.run);
    const ended: RunEvent = { type: 'childEnded', s: parent.s, i: parent.i, child: run.uuid, ...endOf(run.state) };
    if (above) this.feed(above, ended);
    else if (!this.ended.has(parent.run)) this.ports.reach(parent.run, ended);
  }

  private flushSoon(run: LiveRun): void {
    this.soft.add(run);
    this.softTimer ??= setTimeout(() => {
      this.softTimer = undefined;
      this.flushSoft();
    }, softMs);
  }
}

function broken(run: LiveRun, cause?: unknown): Fault {
  return new Fault('unavailable', `what handles the run ${run.id} failed`, 'Try again in a moment; the log of execution says why.', {
    cause,
    service: 'execution',
    retryAfterMs: 1_000,
  });
}

/** What its parent is told of a run that has ended: what it gave, and what it used of its part of the budget. */
export type RunEnd = ({ output: NonNullable<RunState['output']> | null } | { error: NonNullable<RunState['error']> }) & { spent?: Spend };

/** Of a recorded run that was done again, what its agent says it used: its calls are not bounded one by one. */
function spentBy({ budget, counterfactual, usage }: RunState): { spent: Spend } | undefined {
  if (counterfactual !== undefined) return { spent: usedOf(nothingSpent(), usage) };
  return budget && { spent: totalOf(budget) };
}

/** How an ended run ends the step that started it. */
export function endOf(state: RunState): RunEnd {
  const spent = spentBy(state);
  if (state.status === 'succeeded') return { output: state.output ?? null, ...spent };
  const detail = state.status === 'cancelled' ? `the run was ${state.reason ?? 'cancelled'}` : 'the run failed';
  return { error: state.error ?? { code: 'cancelled', detail }, ...spent };
}
