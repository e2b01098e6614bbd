import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { Effect, Transition } from '@signalbox/workflow/core/events.js';
import { agentsOf } from '@signalbox/workflow/core/graph.js';
import { enteringReason, hasPlaces, isEntering, runPriorityOf } from '@signalbox/workflow/core/limits.js';
import { restOf, type Rest } from '@signalbox/workflow/core/rest.js';
import { isWaiting, problemOf, progressOf } from '@signalbox/workflow/core/progress.js';
import { hasEnded, type RunState } from '@signalbox/workflow/core/state.js';
import { approvalRows, type ApprovalRow } from '../approvals/approval-row.ts';
import type { Append, AppendOutcome, AppendSource, OutboxEvent, Standing, StartFacts } from '../journal/append.ts';
import { dayOf } from '../journal/identifiers.ts';
import { usedRows } from '../usage/used.ts';
import type { RestingPlaces } from '../limits/limited-runs.ts';
import type { Timer } from '@signalbox/workflow/timers/timer-heap.js';

/** What a run is, beside its state; fixed at its start. */
export interface RunFacts extends StartFacts {
  workspace: string;
}

/** After these a run may be waiting as a whole. */
const waits: ReadonlySet<Transition['t']> = new Set<Transition['t']>(['waits', 'retrying', 'child', 'asks', 'crashed']);

/** Told when everything up to a moment is committed, or will never be. */
export interface Waiter {
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/** A row was not appended since another has its place: another owner has the run, or its start key was used before. */
export class AppendLost extends Error {
  override readonly name = 'AppendLost';
}

/** Why a run is let go of. */
export function anotherHasIt(): Fault {
  return new Fault('unavailable', 'another owner has taken the run', 'Try again in a moment.', { service: 'execution', retryAfterMs: 500 });
}

/** What a row carries beside its transitions: what its commit lets out. */
interface Cargo {
  transitions: Transition[];
  effects: Effect[];
  waiters: Waiter[];
}

export interface LiveRunPorts {
  /** After a row of this run is committed: its effects may leave. `seq` is the number of the first transition. */
  committed(run: LiveRun, seq: number, transitions: Transition[], effects: Effect[]): void;
  /** A row of this run is on its way: what tells of it is made ready. */
  sent(run: LiveRun, seq: number, transitions: readonly Transition[]): void;
  /** The run is not ours any more, or its row was refused. */
  dropped(run: LiveRun, outcome: 'lost' | 'refused', cause: unknown): void;
  /** Events for the stream of a row that starts or ends this run, or changes approvals. */
  eventsOf(run: LiveRun, transitions: readonly Transition[], approvals: readonly ApprovalRow[]): OutboxEvent[];
  push(run: LiveRun): void;
  /** The epoch in which we took a shard; undefined when it is not ours. */
  epochOf(shard: number): number | undefined;
}

/** A run in its owner's memory: its state, and what waits for a commit. */
export class LiveRun implements AppendSource {
  readonly id: string;
  readonly workspace: string;
  readonly day: string;
  /** Timers by what they are for. */
  readonly timers = new Map<string, Timer>();
  private pending: Cargo = { transitions: [], effects: [], waiters: [] };
  private inFlight: Cargo | null = null;
  private isQueued = false;
  private isDropped = false;
  /** What its row says, once what is in flight is committed. */
  private isWaiting: boolean;
  /** Whether something of it ever waited: of other runs no step needs to be looked at. */
  private mayWait: boolean;

  constructor(
    readonly uuid: string,
    readonly state: RunState,
    readonly facts: RunFacts,
    private readonly ports: LiveRunPorts,
    /** The number of the next transition: 0 for a run whose start is not yet appended. */
    private seq: number,
    /** Whether its last row says that it rests: then its next is taken only from the owner of its shard. */
    private rests = false,
  ) {
    this.id = fromUuid('run', uuid);
    this.workspace = facts.workspace;
    this.day = dayOf(uuid);
    this.isWaiting = facts.isWaiting ?? false;
    this.mayWait = seq > 0;
  }

  /** Whether its start is not committed: nobody outside knows of it. */
  get isUnborn(): boolean {
    return this.seq === 0;
  }

  /** The number of the last transition that is committed, -1 before the first. */
  get lastSeq(): number {
    return this.seq - 1;
  }

  /** Whether it was dropped: what is in memory of it means nothing any more. */
  get isLetGo(): boolean {
    return this.isDropped;
  }

  get isClean(): boolean {
    return this.inFlight === null && this.pending.transitions.length === 0;
  }

  /** Whether nothing is being written and all that it has begun waits. */
  get isIdle(): boolean {
    return this.isWaiting && this.isClean;
  }

  /** Adds what was decided. Unless `isSoft`, it is appended at once; soft transitions go with the next row, or with `flush`. */
  add(transitions: Transition[], effects: Effect[], isSoft: boolean): void {
    for (const transition of transitions) this.pending.transitions.push(transition);
    for (const effect of effects) this.pending.effects.push(effect);
    if (!isSoft) this.flush();
  }

  /** Has what waits appended. */
  flush(): void {
    if (this.isQueued || this.inFlight !== null || this.pending.transitions.length === 0) return;
    this.isQueued = true;
    this.ports.push(this);
  }

  /** Resolves when all that has happened to the run up to now is committed. */
  settle(): Promise<void> {
    if (this.isClean && this.pending.waiters.length === 0) return Promise.resolve();
    this.flush();
    return new Promise((resolve, reject) => {
      const cargo = this.pending.transitions.length > 0 || this.inFlight === null ? this.pending : this.inFlight;
      cargo.waiters.push({ resolve, reject });
    });
  }

  take(): Append | undefined {
    this.isQueued = false;
    if (this.isDropped || this.pending.transitions.length === 0) return undefined;
    const cargo = this.pending;
    this.inFlight = cargo;
    this.pending = { transitions: [], effects: [], waiters: [] };
    const { transitions } = cargo;
    const isStart = this.seq === 0;
    const isEnd = transitions.at(-1)?.t === 'ended';
    const rest = transitions.at(-1)?.t === 'rested' ? restOf(this.state) : undefined;
    const approvals = approvalRows(this.state, transitions, this.facts);
    this.mayWait ||= isEntering(this.state) || transitions.some(({ t }) => waits.has(t));
    const isWaitingNow = this.mayWait && isWaiting(this.state);
    const isChanged = isWaitingNow !== this.isWaiting;
    this.isWaiting = isWaitingNow;
    const isOther = transitions.some(({ t }) => t === 'upgraded' || t === 'admitted');
    return {
      run: this.uuid,
      workspace: this.facts.workspace,
      day: this.day,
      seq: this.seq,
      transitions,
      ...(isStart && { start: this.facts, agents: agentsOf(this.state.graph) }),
      ...((isStart || isEnd || isChanged || isOther || this.rests || rest) && { standing: this.standing(isEnd, rest) }),
      ...((isStart || this.rests) && { epoch: { shard: this.facts.shard, epoch: this.ports.epochOf(this.facts.shard) ?? -1 } }),
      approvals,
      used: usedRows(this.state, transitions, this.facts.workflow),
      events: isStart || isEnd || approvals.length > 0 ? this.ports.eventsOf(this, transitions, approvals) : [],
    };
  }

  sent(): void {
    if (this.inFlight !== null && !this.isDropped) this.ports.sent(this, this.seq, this.inFlight.transitions);
  }

  settled(outcome: AppendOutcome, cause?: unknown): void {
    const cargo = this.inFlight as Cargo;
    this.inFlight = null;
    if (this.isDropped) {
      // It is in the journal, or not, whoever has the run now.
      for (const waiter of cargo.waiters) {
        if (outcome === 'committed') waiter.resolve();
        else waiter.reject(cause ?? anotherHasIt());
      }
      return;
    }
    if (outcome !== 'committed') {
      const reason = outcome === 'lost' ? new AppendLost(`${this.id} has another row ${this.seq}`) : cause;
      this.drop(reason);
      for (const waiter of cargo.waiters) waiter.reject(reason);
      this.ports.dropped(this, outcome, reason);
      return;
    }
    const { seq } = this;
    this.seq += cargo.transitions.length;
    this.rests = cargo.transitions.at(-1)?.t === 'rested';
    this.ports.committed(this, seq, cargo.transitions, cargo.effects);
    for (const waiter of cargo.waiters) waiter.resolve();
    this.flush();
  }

  /** Nothing more of this run leaves this process. */
  drop(reason: unknown): void {
    this.isDropped = true;
    for (const waiter of this.pending.waiters) waiter.reject(reason);
    this.pending = { transitions: [], effects: [], waiters: [] };
  }

  private standing(isEnd: boolean, rest: Rest | undefined): Standing {
    const { state } = this;
    return {
      status: isEnd && hasEnded(state) ? (state.status as Standing['status']) : 'running',
      reason: isEnd ? state.reason : isEntering(state) ? enteringReason(state) : null,
      endedAt: isEnd && state.endedAt !== undefined ? new Date(state.endedAt) : null,
      error: isEnd && state.error !== undefined ? JSON.stringify(state.error) : null,
      progress: JSON.stringify(progressOf(state)),
      usage: JSON.stringify(state.usage),
      found: JSON.stringify({
        isWaiting: this.isWaiting,
        ...(state.graph.hash !== this.facts.definition && { upgradedTo: state.graph.hash }),
        ...(isEnd && problemOf(state)),
      }),
      wakeAt: rest ? new Date(rest.due) : null,
      restsOnChild: rest !== undefined && rest.children.length > 0,
      places: placesOf(state),
    };
  }
}

/** What its row says of its places, for whoever takes its shard while it rests; null where nobody waits for them. */
function placesOf(state: RunState): string | null {
  if (!isEntering(state) && !hasPlaces(state)) return null;
  const places: RestingPlaces['places'] = {
    claims: state.claims,
    priority: runPriorityOf(state.graph, state.priority),
    isIn: !isEntering(state),
  };
  return JSON.stringify(places);
}
