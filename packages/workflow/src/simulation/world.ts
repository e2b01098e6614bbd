import { applyTransition } from '../core/apply.ts';
import { decide } from '../core/decide.ts';
import { runDue } from '../core/ending.ts';
import { totalOf, type GivenBudget } from '../core/budget.ts';
import type { Effect, Failure, RunEvent, Transition, Usage } from '../core/events.ts';
import { keptOf, placedIn } from '../core/fork.ts';
import type { Graph } from '../core/graph.ts';
import type { Json } from '../core/json.ts';
import { isEntering, runClaimsOf, type LimitClaim, type LimitKey } from '../core/limits.ts';
import { mayTakeOver, named } from '../core/failover.ts';
import { openEffects, restore } from '../core/restore.ts';
import { restOf } from '../core/rest.ts';
import { hasEnded, newRun, unitOf, type RunState } from '../core/state.ts';
import { LimitQueue, type Place } from '../limits/limit-queue.ts';
import type { Random } from './random.ts';
import { answererName, cheapModel, signalName } from './random-graph.ts';
import { variantOf } from './variant.ts';

/** How often what goes wrong. */
export interface Faults {
  /** At any step of the schedule: the owner dies, with all that was not committed. */
  crash: number;
  /** The owner is stopped instead, and goes on writing beside its successor. */
  zombie: number;
  /** A message is lost, doubled or late. */
  loss: number;
  double: number;
  /** A task fails; an executor dies with it. */
  failure: number;
  death: number;
}

interface Row {
  seq: number;
  transitions: Transition[];
  owner: number;
}

/** A row on its way to the disk, with what its commit lets out. */
interface Write {
  owner: Owner;
  run: string;
  row: Row;
  effects: Effect[];
  acknowledge: (() => void)[];
}

interface Task {
  run: string;
  s: number;
  i: number;
  n: number;
}

interface LiveRun {
  state: RunState;
  /** The number of the next transition. */
  seq: number;
  pending: Transition[];
  effects: Effect[];
  acknowledge: (() => void)[];
  isWriting: boolean;
}

interface Owner {
  epoch: number;
  runs: Map<string, LiveRun>;
  isDead: boolean;
  /** It has loaded what does not rest: before that it wakes nothing. */
  isReady: boolean;
}

/** Steps of one schedule: more than this means that a run does not end. */
const stepsMax = 200_000;
/** Faults stop after this many steps, so that a schedule ends. */
export const faultySteps = 1_500;
/** How often a run is forked when it has ended. */
const forkChance = 0.3;
const lostMs = 300;
const takeOverMs = 50;
/** How often a run that only waits is put to rest after something has happened to it. */
const restChance = 0.5;
/** How often a new owner finds that a run is to be set aside. */
const asideChance = 0.02;
/** Between looks for runs that rest and are due. */
const lookMs = 100;

/**
 * A run's whole world on a virtual clock: owners that follow the write-ahead rule, a disk that compares and swaps, a network that loses and
 * doubles, executors that die. Everything that happens is a due action; the seed alone decides their order.
 */
export class World {
  now = 1;
  steps = 0;
  /** What every owner ever committed, by run: the truth. */
  readonly disk = new Map<string, Row[]>();
  readonly graphs = new Map<string, Graph>();
  /** What runs were asked to go over to, by hash. */
  readonly definitions = new Map<string, Graph>();
  /** What runs that are forks need not do. */
  readonly kept = new Map<string, Transition[]>();
  /** Completions that were acknowledged: each must be on the disk from then on. */
  readonly acknowledged: Task[] = [];
  /** Signals that were acknowledged, likewise. */
  readonly signalled: { run: string; id: string }[] = [];
  /** What executors have used, whether anybody heard of it or not, by run. */
  readonly used = new Map<string, { tokens: number; costUsd: number; attempts: number }>();
  /** What a budget above all runs has, and has given to each. */
  readonly above = { tokens: 0, given: new Map<string, number>() };
  /** Answers to approvals, likewise. */
  readonly answered: (Task & { approved: boolean })[] = [];
  /** How runs stand by what of them was on the disk when they were last looked at. */
  private readonly seen = new Map<string, { state: RunState; rows: number }>();
  /** Attempts that executors began. */
  private readonly begun = new Set<string>();
  /** Limits of runs by name, as their keeper knows them, and who is in by the disk. */
  private readonly limits = new Map<string, { queue: LimitQueue<Place>; isIn: Set<string> }>();
  private readonly actions: { due: number; order: number; run: () => void }[] = [];
  private order = 0;
  private epoch = 0;
  private owner: Owner;
  private nextRun = 0;
  private nextApproval = 0;

  constructor(
    private readonly random: Random,
    private readonly faults: Faults,
    private readonly childGraph: (depth: number) => Graph,
    /** Faults stop after this many steps. */
    private readonly faultyUntil = faultySteps,
  ) {
    this.owner = { epoch: 0, runs: new Map(), isDead: false, isReady: true };
    if (random.chance(0.3)) this.above.tokens = 300 + random.below(5_000);
  }

  /** What every run is started with. */
  private given(budget: GivenBudget = {}): { budget: GivenBudget } {
    const price = { inputUsd: 1_000, outputUsd: 1_000 };
    const prices = { llm0: price, llm1: price, spare: price, [cheapModel]: { inputUsd: 500, outputUsd: 500 } };
    const above = [{ scope: 'workspace', measures: ['tokens' as const], perCall: { tokens: 200 } }];
    return { budget: { ...budget, prices, ...(this.above.tokens > 0 && { above }) } };
  }

  /** Starts a run and lets everything happen until it has ended, or throws; some are then forked, and the fork played likewise. */
  play(graph: Graph, input: Json): RunState {
    const run = this.newId();
    this.graphs.set(run, graph);
    for (const claim of this.claimsFor(run, input)) this.occupy(claim);
    const state = this.playRun(run, input);
    if (this.random.chance(forkChance)) this.playFork(state, input);
    return state;
  }

  /** Does a run once more from some step, or what was not done of it, by the definition that it had at its end. */
  private playFork(ended: RunState, input: Json): void {
    const run = this.newId();
    const had = ended.graph;
    const graph = this.definitions.get(had.hash) ?? had;
    const open = had.steps.flatMap(({ id, part }) => (part === 'undo' ? [] : [id]));
    const from = open.filter(() => this.random.chance(1 / open.length));
    this.graphs.set(run, graph);
    this.kept.set(run, placedIn(graph, had, keptOf(ended, from)));
    this.steps = 0;
    this.playRun(run, input);
  }

  private playRun(run: string, input: Json): RunState {
    this.begin(run, input);
    for (let count = this.random.below(8); count > 0; count--) this.at(this.random.below(1_000), () => this.signal(run, `signal${count}`));
    for (let count = this.random.below(8); count > 0; count--) this.at(this.random.below(2_000), () => this.answerOpen(run));
    for (let count = this.random.below(5); count > 0; count--) this.at(this.random.below(1_200), () => this.upgrade(run));
    while (this.steps++ < stepsMax) {
      if (this.isFaulty && this.random.chance(this.faults.crash)) this.replaceOwner(this.random.chance(this.faults.zombie));
      const action = this.nextAction();
      if (action === undefined) {
        const state = this.read(run);
        if (hasEnded(state)) return state;
        // The client had no answer to its start: it asks again.
        if (!this.disk.has(run)) this.begin(run, input);
        else throw new Error(`nothing is left to happen and the run has not ended: ${JSON.stringify(state.steps)}`);
        continue;
      }
      this.now = Math.max(this.now, action.due);
      action.run();
    }
    throw new Error('the run does not end');
  }

  /** The run as the disk tells it, to look at: it goes on as the disk does. */
  private read(run: string): RunState {
    const rows = this.disk.get(run) ?? [];
    const seen = this.seen.get(run) ?? { state: newRun(run, this.graphs.get(run) as Graph), rows: 0 };
    this.seen.set(run, seen);
    for (; seen.rows < rows.length; seen.rows++) {
      for (const transition of rows[seen.rows]?.transitions ?? []) applyTransition(seen.state, transition, this.definitions);
    }
    return seen.state;
  }

  /** What a new owner makes of the disk. */
  private restored(run: string): RunState {
    const transitions = (this.disk.get(run) ?? []).flatMap((row) => row.transitions);
    return restore(run, this.graphs.get(run) as Graph, transitions, this.definitions);
  }

  private get isFaulty(): boolean {
    return this.steps < this.faultyUntil;
  }

  private newId(): string {
    return `run${this.nextRun++}`;
  }

  private at(delay: number, run: () => void): void {
    this.actions.push({ due: this.now + delay, order: this.order++, run });
  }

  /** The earliest action; among those that are due together, any. */
  private nextAction(): { due: number; run: () => void } | undefined {
    let best = -1;
    for (let index = 0; index < this.actions.length; index++) {
      const action = this.actions[index] as { due: number; order: number };
      const earliest = this.actions[best];
      if (earliest === undefined || action.due < earliest.due || (action.due === earliest.due && this.random.chance(0.5))) best = index;
    }
    return best < 0 ? undefined : this.actions.splice(best, 1)[0];
  }

  /** A message: it may come late, twice, or not at all. */
  private send(deliver: () => void): void {
    if (this.isFaulty && this.random.chance(this.faults.loss)) return;
    this.at(1 + this.random.below(20), deliver);
    if (this.isFaulty && this.random.chance(this.faults.double)) this.at(1 + this.random.below(200), deliver);
  }

  private begin(run: string, input: Json): void {
    const { owner } = this;
    if (owner.runs.has(run)) return;
    const kept = this.kept.get(run);
    this.start(owner, run, { type: 'start', input, depth: 0, claims: this.claimsFor(run, input), ...this.given(), ...(kept && { kept }) });
  }

  private claimsFor(run: string, input: Json, within?: LimitKey[]): LimitClaim[] {
    return runClaimsOf(this.graphs.get(run) as Graph, { input, labels: {} }, within);
  }

  /** The keeper hears that a run wants its place, and tells whoever owns it when it has it, until that is written. */
  private enter(run: string, claims: readonly LimitClaim[]): void {
    if (!isEntering(this.read(run))) return;
    for (const { name, replaces, ...numbers } of claims) {
      const limit = this.limits.get(name) ?? { queue: new LimitQueue<Place>(this.now), isIn: new Set() };
      this.limits.set(name, limit);
      const since = this.read(run).startedAt;
      limit.queue.add({ id: run, priority: 3, since, numbers, state: 'waits', ...(replaces && { replaces: since }) }, this.now);
      for (const { id } of limit.queue.surplus()) this.replace(id);
      this.grant(name);
    }
  }

  /** It goes for a newer one: whoever owns it is told, until it has heard that. */
  private replace(run: string): void {
    const { status, ending } = this.read(run);
    if (status !== 'running' || ending !== undefined) return;
    this.send(() => this.reach(this.owner, run, { type: 'cancel', by: 'a newer run' }));
    this.at(100, () => this.replace(run));
  }

  /** Runs that are not played here have places for a while. */
  private occupy({ name, ...numbers }: LimitClaim): void {
    const queue = new LimitQueue<Place>(this.now);
    this.limits.set(name, { queue, isIn: new Set() });
    for (let count = this.random.below(4); count > 0; count--) {
      const id = `stranger${count}`;
      queue.add({ id, priority: 3, numbers, state: 'held' }, this.now);
      const leave = (): void => {
        queue.remove(id, this.now);
        this.grant(name);
      };
      this.at(this.random.below(3_000), leave);
    }
  }

  private grant(name: string): void {
    const { queue } = this.limits.get(name) as { queue: LimitQueue<Place> };
    for (const { id } of queue.grant(this.now)) {
      const say = (): void => {
        if (!isEntering(this.read(id))) return;
        this.send(() => this.reach(this.owner, id, { type: 'admitted' }));
        this.at(50, say);
      };
      say();
    }
    const waitMs = queue.waitMs(this.now);
    if (queue.waiting > 0 && waitMs > 0) this.at(waitMs, () => this.grant(name));
  }

  /** What the disk says of who is in: never more than may be, each once it has its place; and who has ended leaves. */
  private checkPlaces(run: string, transitions: readonly Transition[]): void {
    const isAdmitted = transitions.some(({ t }) => t === 'admitted');
    const hasEnded = transitions.at(-1)?.t === 'ended';
    if (!isAdmitted && !hasEnded) return;
    for (const { name } of this.read(run).claims) {
      const limit = this.limits.get(name);
      if (limit === undefined) continue;
      if (isAdmitted) {
        limit.isIn.add(run);
        const most = limit.queue.find(run)?.numbers.concurrency ?? Infinity;
        if (limit.queue.find(run)?.state !== 'held') throw new Error(`${run} begins without a place of ${name}`);
        if (limit.isIn.size > most) throw new Error(`${limit.isIn.size} runs are under way, of ${name} may be ${most}`);
      }
      if (!hasEnded) continue;
      limit.isIn.delete(run);
      limit.queue.remove(run, this.now);
      this.grant(name);
    }
  }

  private feed(owner: Owner, run: string, event: RunEvent, acknowledge?: () => void): void {
    const live = owner.runs.get(run);
    if (live === undefined) return;
    const turn = decide(live.state, event, {
      at: this.now,
      random: () => this.random.next(),
      newRunId: () => {
        const child = this.newId();
        this.graphs.set(child, this.childGraph(live.state.depth + 1));
        return child;
      },
      newId: () => `approval${this.nextApproval++}`,
      // Every executor says something.
      logOf: ({ s, i, n }) =>
        this.begun.has(`${run}.${s}.${i}.${n}`) ? { lines: [{ at: this.now, message: 'works' }], dropped: n } : undefined,
    });
    if (turn.outcome === 'stale') return;
    live.pending.push(...turn.transitions);
    live.effects.push(...turn.effects);
    if (acknowledge) live.acknowledge.push(acknowledge);
    this.write(owner, run, live);
  }

  private write(owner: Owner, run: string, live: LiveRun): void {
    if (live.isWriting) return;
    if (live.pending.length === 0) {
      for (const acknowledge of live.acknowledge.splice(0)) acknowledge();
      return;
    }
    live.isWriting = true;
    const write: Write = {
      owner,
      run,
      row: { seq: live.seq, transitions: live.pending, owner: owner.epoch },
      effects: live.effects,
      acknowledge: live.acknowledge,
    };
    live.pending = [];
    live.effects = [];
    live.acknowledge = [];
    this.at(1 + this.random.below(10), () => this.commit(write));
  }

  /** The disk's part: the row goes in if its place is free. The owner hears of it later, if it lives. */
  private commit(write: Write): void {
    const rows = this.disk.get(write.run) ?? [];
    const next = rows.reduce((sum, { transitions }) => sum + transitions.length, 0);
    // A dead owner's last statement may still be carried out, or not.
    if (write.owner.isDead && this.random.chance(0.5)) return;
    // Who lost the shard of a run that rests, or was set aside, learns it here: nobody has fenced such a run.
    const isLoaded = !this.rests(write.run) && rows.at(-1)?.transitions.at(-1)?.t !== 'quarantined';
    const isOwners = isLoaded || write.owner === this.owner;
    const isFree = next === write.row.seq && isOwners;
    if (isFree) this.disk.set(write.run, [...rows, write.row]);
    if (isFree) this.checkPlaces(write.run, write.row.transitions);
    if (isFree && this.rests(write.run)) this.wakeInTime(write.run);
    this.at(this.random.below(5), () => {
      if (!write.owner.isDead) this.settled(write, isFree);
    });
  }

  private settled(write: Write, isCommitted: boolean): void {
    const { owner, run, row } = write;
    const live = owner.runs.get(run);
    if (live === undefined) return;
    live.isWriting = false;
    if (!isCommitted) {
      // Another wrote it: nothing of this run leaves here any more. The owner whose turn it is reads it again and fences it.
      owner.runs.delete(run);
      if (this.owner === owner) this.load(owner, run);
      return;
    }
    live.seq += row.transitions.length;
    for (const effect of write.effects) this.perform(owner, run, effect);
    for (const acknowledge of write.acknowledge) acknowledge();
    this.write(owner, run, live);
    if (live.isWriting || owner.runs.get(run) !== live) return;
    if (row.transitions.at(-1)?.t === 'rested') owner.runs.delete(run);
    else if (this.random.chance(restChance)) this.at(this.random.below(30), () => this.rest(owner, run, live));
  }

  private rest(owner: Owner, run: string, live: LiveRun): void {
    if (owner.isDead || owner.runs.get(run) !== live || live.isWriting) return;
    const rest = restOf(live.state);
    if (rest !== undefined && !rest.children.some((child) => owner.runs.has(child))) this.feed(owner, run, { type: 'rest' });
  }

  /** The disk says when it is due: whoever owns it then finds it, and looks again while it rests. */
  private wakeInTime(run: string): void {
    const seq = this.disk.get(run)?.at(-1)?.seq;
    const look = (): void => {
      if (!this.rests(run) || this.disk.get(run)?.at(-1)?.seq !== seq) return;
      if (this.owner.isReady) this.load(this.owner, run);
      this.at(lookMs, look);
    };
    this.at(Math.max(0, (restOf(this.read(run))?.due ?? this.now) - this.now), look);
  }

  /** Whether the disk says that the run is in nobody's memory. */
  private rests(run: string): boolean {
    return this.disk.get(run)?.at(-1)?.transitions.at(-1)?.t === 'rested';
  }

  /** Whether it rests and has to be told of what happened while nobody could: its child has ended, or its parent. */
  private missed(run: string): boolean {
    const { steps, parent } = this.read(run);
    if (parent !== undefined && hasEnded(this.read(parent.run))) return true;
    return steps.some(({ units }) => units.some(({ child }) => child !== undefined && this.disk.has(child) && hasEnded(this.read(child))));
  }

  /** As `feed`, also to a run that rests. */
  private reach(owner: Owner, run: string, event: RunEvent, acknowledge?: () => void): void {
    if (owner.isDead) return;
    if (owner.isReady && !owner.runs.has(run) && this.rests(run)) this.load(owner, run);
    this.feed(owner, run, event, acknowledge);
  }

  private perform(owner: Owner, run: string, effect: Effect): void {
    switch (effect.e) {
      case 'dispatch':
        return this.offer(owner, { run, s: effect.s, i: effect.i, n: effect.n });
      case 'wakeAt':
        return this.at(Math.max(0, effect.due - this.now), () =>
          this.tick(owner, run, { type: 'due', timer: effect.timer, s: effect.s, i: effect.i, n: effect.n }),
        );
      case 'watch':
        return this.watch(owner, run);
      case 'enter':
        return effect.isIn ? undefined : this.enter(run, effect.claims);
      case 'seek':
        return this.seek(run, effect);
      case 'startChild': {
        const { run: child, input, depth, s, i, budget, within } = effect;
        const known = this.disk.has(child) ? this.read(child) : undefined;
        if (known && hasEnded(known)) return this.tellParent(owner, child, known);
        if (this.rests(child)) return;
        // The owner before us started it after we had looked: it is ours to go on with.
        if (known && !owner.isDead) return this.load(owner, child);
        if (!known && !owner.runs.has(child) && !owner.isDead)
          this.start(owner, child, {
            type: 'start',
            input,
            depth,
            parent: { run, s, i },
            claims: this.claimsFor(child, input, within),
            ...(within && { within }),
            ...this.given(budget),
          });
        return;
      }
      case 'cancelChild':
        return this.reach(owner, effect.run, { type: 'cancel', by: 'its parent' });
      case 'ended': {
        const live = owner.runs.get(run);
        owner.runs.delete(run);
        if (live) this.tellParent(owner, run, live.state);
        return;
      }
      case 'unsendable':
        return this.tick(owner, run, { type: 'completed', s: effect.s, i: effect.i, n: effect.n, error: effect.error });
      case 'wantBudget':
        return this.giveMore(owner, run, effect.scope, effect.wants.tokens ?? 0);
      case 'attemptEnded':
    }
  }

  /** The budget above gives what it has left; what runs have not used is theirs until they have ended. */
  private giveMore(owner: Owner, run: string, scope: string, tokens: number): void {
    this.at(1 + this.random.below(50), () => {
      const isLive = !hasEnded(this.read(run));
      if (owner.isDead || !isLive) return;
      let out = 0;
      for (const [other, given] of this.above.given) {
        const state = this.read(other);
        const account = state.budget?.above.get(scope);
        out += hasEnded(state) && account !== undefined ? totalOf(account).tokens : given;
      }
      if (out + tokens > this.above.tokens) {
        const error: Failure = { code: 'limited', isFinal: true, detail: 'the budget of the workspace is used up' };
        this.reach(owner, run, { type: 'denied', scope, error });
        // What still waits for it asks again: calls of its own may make room.
        const steps = owner.runs.get(run)?.state.steps ?? [];
        const short = steps.flatMap(({ units }) => units.flatMap((unit) => unit.short ?? [])).find(({ of }) => of === scope);
        if (short !== undefined) this.giveMore(owner, run, scope, short.wants.tokens ?? 0);
        return;
      }
      this.above.given.set(run, (this.above.given.get(run) ?? 0) + tokens);
      this.reach(owner, run, { type: 'granted', scope, more: { tokens } });
    });
  }

  /** An executor uses what it may, or less, whatever becomes of it. */
  private use({ run, s, i, n }: Task): Usage | undefined {
    const sent = (this.disk.get(run) ?? [])
      .flatMap((row) => row.transitions)
      .find((t) => t.t === 'queued' && t.s === s && t.i === i && t.n === n);
    const holds = sent?.t === 'queued' ? sent.holds : undefined;
    const share = this.random.next();
    const tokens = Math.floor((holds?.tokens ?? 100) * share);
    const costUsd = (holds?.costUsd ?? 0.1) * share;
    const known = this.used.get(run) ?? { tokens: 0, costUsd: 0, attempts: 0 };
    this.used.set(run, { tokens: known.tokens + tokens, costUsd: known.costUsd + costUsd, attempts: known.attempts + 1 });
    const inputTokens = Math.floor(tokens / 2);
    return this.random.chance(0.8) ? { inputTokens, outputTokens: tokens - inputTokens, costUsd } : undefined;
  }

  /** The timer that ends what a run ends with. */
  private watch(owner: Owner, run: string): void {
    const live = owner.runs.get(run);
    if (live) this.at(Math.max(0, runDue(live.state) - this.now), () => this.tick(owner, run, { type: 'due', timer: 'run' }));
  }

  private start(owner: Owner, run: string, event: RunEvent & { type: 'start' }): void {
    const state = newRun(run, this.graphs.get(run) as Graph);
    owner.runs.set(run, { state, seq: 0, pending: [], effects: [], acknowledge: [], isWriting: false });
    this.feed(owner, run, { ...event, epoch: owner.epoch });
  }

  private tellParent(owner: Owner, child: string, state: RunState): void {
    if (state.parent === undefined) return;
    const { run, s, i } = state.parent;
    const spent = state.budget && { spent: totalOf(state.budget) };
    const end = state.status === 'succeeded' ? { output: state.output ?? null, ...spent } : { error: state.error ?? cancelled, ...spent };
    this.reach(owner, run, { type: 'childEnded', s, i, child, ...end });
  }

  private tick(owner: Owner, run: string, event: RunEvent): void {
    if (!owner.isDead) this.feed(owner, run, event);
  }

  /** A sender tells until it is acknowledged. */
  private signal(run: string, id: string): void {
    this.tell(run, { type: 'signal', id, hash: id, name: signalName, data: id }, () => this.signalled.push({ run, id }));
  }

  /** Somebody looks at what is asked and answers it; another may have, otherwise. */
  private answerOpen(run: string): void {
    this.read(run).steps.forEach(({ units, isFanned }, s) =>
      units.forEach(({ status, approval, attempt: n }, index) => {
        if (status !== 'waiting' || approval === undefined || approval.answer !== undefined || this.random.chance(0.3)) return;
        const i = isFanned ? index : -1;
        const approved = this.random.chance(0.7);
        const by = { id: `user_${this.random.below(2)}`, name: answererName, roles: [], isStarter: false };
        const answer: RunEvent = { type: 'answer', s, i, n, by, approved, data: approved, comment: null };
        this.tell(run, answer, () => this.answered.push({ run, s, i, n, approved }));
      }),
    );
  }

  private tell(run: string, event: RunEvent, acknowledged: () => void): void {
    let isAcknowledged = false;
    let tries = 0;
    const tell = (): void => {
      if (isAcknowledged || tries++ > 60) return;
      this.send(() =>
        this.reach(this.owner, run, event, () => {
          isAcknowledged = true;
          acknowledged();
        }),
      );
      this.at(30, tell);
    };
    tell();
  }

  /** Somebody wants a run to go on by another version of its workflow, which may not fit, or by the one that it has. */
  private upgrade(run: string): void {
    const first = this.graphs.get(run) as Graph;
    const current = this.definitions.get(this.read(run).graph.hash) ?? first;
    const graph = this.random.chance(0.2) ? current : variantOf(current, this.random, this.definitions.size);
    this.definitions.set(graph.hash, graph);
    this.send(() => this.feed(this.owner, run, { type: 'upgrade', by: 'ann', graph }));
  }

  /** Looks for an agent that goes on, which may be none, and says it until somebody has heard it. */
  private seek(run: string, { s, i, n }: Effect & { e: 'seek' }): void {
    const agent = this.agentFor(run, s, i);
    const say = (): void => {
      const unit = unitOf(this.read(run), s, i);
      if (unit?.isSeeking !== true || unit.attempt !== n) return;
      this.send(() => this.feed(this.owner, run, { type: 'moved', s, i, n, ...(agent !== undefined && { agent }) }));
      this.at(50, say);
    };
    this.at(this.random.below(100), say);
  }

  private agentFor(run: string, s: number, i: number): string | undefined {
    const agents = (named(this.read(run), s, i) ?? ['spare1', 'spare2', 'spare3']).filter((agent) =>
      mayTakeOver(this.read(run), s, i, agent),
    );
    return this.random.chance(0.8) ? agents[this.random.below(agents.length || 1)] : undefined;
  }

  /** An executor gets the task, asks whether to begin, works, and reports until it is acknowledged or refused. */
  private offer(owner: Owner, task: Task): void {
    const { run, s, i, n } = task;
    if (this.graphs.get(run)?.steps[s]?.failover !== undefined && this.random.chance(0.3)) {
      // Nobody is there for it, or was so for too long: perhaps an executor has got it meanwhile.
      const move = (): void => {
        const agent = this.agentFor(run, s, i);
        if (agent !== undefined) this.tick(owner, run, { type: 'moved', s, i, n, agent, error: lost });
      };
      this.at(this.random.below(60), move);
    }
    if (this.graphs.get(run)?.steps[s]?.unavailable !== undefined && this.random.chance(0.7))
      this.at(this.random.below(25), () => this.tick(owner, run, { type: 'stranded', s, i, n, error: lost }));
    this.send(() => {
      const accept = (): void => {
        const current = this.owner;
        // As where a rollout chose the version.
        const version = this.random.chance(0.2) && { version: 1 + this.random.below(2) };
        const accepted = { type: 'accepted' as const, instance: `e${task.n}`, s: task.s, i: task.i, n: task.n, ...version };
        this.feed(current, task.run, accepted, () => this.work(task));
      };
      accept();
    });
    // Nothing is heard of it: the attempt is lost, whoever owns the run then.
    const watch = (): void => {
      if (owner.isDead) return;
      this.feed(owner, task.run, { type: 'lost', s: task.s, i: task.i, n: task.n, error: lost });
      this.resolve(task);
    };
    this.at(lostMs + this.random.below(lostMs), watch);
  }

  /** A person looks after what was lost, now or later, and says it until somebody has heard it. */
  private resolve(task: Task): void {
    const how = (['retry', 'fail', 'output'] as const)[this.random.below(3)] as 'retry';
    const key = `${task.run}.${task.s}.${task.i}.${task.n}`;
    let looks = 0;
    const say = (): void => {
      const { run, s, i } = task;
      if (unitOf(this.read(run), s, i)?.crash !== undefined)
        this.send(() => this.reach(this.owner, run, { type: 'resolve', id: key, by: 'ann', s, i, how, output: key } as RunEvent));
      // What he sees may be old, and what he says may be lost.
      if (looks++ < 20) this.at(100, say);
    };
    this.at(this.random.below(500), say);
  }

  private work(task: Task): void {
    const key = `${task.run}.${task.s}.${task.i}.${task.n}`;
    // The answer came twice: an executor begins an attempt once.
    if (this.begun.has(key)) return;
    this.begun.add(key);
    const usage = this.use(task);
    if (this.isFaulty && this.random.chance(this.faults.death)) return;
    const isFailed = this.isFaulty && this.random.chance(this.faults.failure);
    const told = usage && { usage };
    const result = isFailed
      ? { error: { code: this.random.chance(0.2) ? 'invalid' : 'internal', detail: 'it failed' } }
      : { output: this.outputOf(task, key) };
    let isAcknowledged = false;
    let tries = 0;
    if (this.random.chance(0.3))
      this.send(() => this.feed(this.owner, task.run, { type: 'told', s: task.s, i: task.i, n: task.n, message: key, partial: key }));
    const report = (): void => {
      if (isAcknowledged || tries++ > 60) return;
      this.send(() =>
        this.reach(this.owner, task.run, { type: 'completed', s: task.s, i: task.i, n: task.n, ...result, ...told }, () => {
          isAcknowledged = true;
          if ('output' in result) this.acknowledged.push(task);
        }),
      );
      this.at(30, report);
    };
    this.at(1 + this.random.below(100), report);
  }

  /** What an executor gives. A model calls tools for some turns, one that is not there among them, and then answers. */
  private outputOf({ run, s, i }: Task, key: string): Json {
    const grown = this.read(run).steps[s]?.grown?.slice(0, i + 1) ?? [];
    if (grown.at(-1)?.k !== 'model') return key;
    const turns = grown.filter(({ k }) => k === 'model').length;
    const calls = turns > 1 + (s % 3) ? 0 : 1 + ((turns + s) % 3);
    const call = (index: number): Json => ({
      id: `c${index}`,
      name: 'files__read',
      arguments: JSON.stringify({ turns }),
      ...(index < 2 && { target: { tool: 'files/read' } }),
    });
    return { text: calls === 0 ? key : '', finishReason: 'stop', toolCalls: Array.from({ length: calls }, (_, index) => call(index)) };
  }

  /** Another owner takes over: it loads what is on the disk, fences it, and does again what may not have been done. */
  private replaceOwner(isZombie: boolean): void {
    this.owner.isDead = !isZombie;
    const owner: Owner = { epoch: ++this.epoch, runs: new Map(), isDead: false, isReady: false };
    this.owner = owner;
    this.at(takeOverMs, () => {
      if (this.owner !== owner) return;
      owner.isReady = true;
      for (const run of this.disk.keys()) if (this.isFaulty && this.random.chance(asideChance)) this.setAside(owner, run);
      for (const run of this.disk.keys()) if (!this.rests(run) || this.missed(run)) this.load(owner, run);
    });
  }

  /** It is said to have ended its owners: fenced without being loaded, until a person says what follows. */
  private setAside(owner: Owner, run: string): void {
    const state = this.read(run);
    if (hasEnded(state) || state.quarantine !== undefined || state.epoch > owner.epoch) return;
    const seq = this.nextSeq(run);
    this.disk.get(run)?.push({
      seq,
      transitions: [{ t: 'quarantined', at: this.now, epoch: owner.epoch, because: 'it ended its owners' }],
      owner: owner.epoch,
    });
    const type = this.random.chance(0.7) ? 'release' : 'abandon';
    const say = (): void => {
      if (this.read(run).quarantine === undefined) return;
      this.send(() => this.release(this.owner, run, type));
      this.at(100, say);
    };
    this.at(this.random.below(500), say);
  }

  /** What a person says of it, by whoever owns it then; it goes on from the disk. */
  private release(owner: Owner, run: string, type: 'release' | 'abandon'): void {
    const state = this.read(run);
    if (owner.isDead || !owner.isReady || owner.runs.has(run) || state.quarantine === undefined || state.epoch > owner.epoch) return;
    const aside: LiveRun = {
      state: this.restored(run),
      seq: this.nextSeq(run),
      pending: [],
      effects: [],
      acknowledge: [],
      isWriting: false,
    };
    owner.runs.set(run, aside);
    this.feed(owner, run, { type, by: 'ann' }, () => {
      if (type === 'abandon') return;
      // What was said to it since its word is said again.
      Object.assign(aside, { pending: [], effects: [], acknowledge: [] });
      owner.runs.delete(run);
      this.load(owner, run);
      // What happened to its child or its parent meanwhile.
      const { parent } = this.read(run);
      if (parent !== undefined && hasEnded(this.read(parent.run))) this.tick(owner, run, { type: 'cancel', by: 'its parent' });
    });
  }

  private nextSeq(run: string): number {
    return (this.disk.get(run) ?? []).reduce((sum, { transitions }) => sum + transitions.length, 0);
  }

  private load(owner: Owner, run: string): void {
    const rows = this.disk.get(run);
    if (owner.runs.has(run) || rows === undefined) return;
    const known = this.read(run);
    if (hasEnded(known)) return this.tellParent(owner, run, known);
    // A later owner took or began it, or nobody handles it before a person's word.
    if (known.epoch > owner.epoch || known.quarantine !== undefined) return;
    const state = this.restored(run);
    owner.runs.set(run, { state, seq: this.nextSeq(run), pending: [], effects: [], acknowledge: [], isWriting: false });
    this.feed(owner, run, { type: 'taken', epoch: owner.epoch }, () => {
      this.watch(owner, run);
      for (const effect of openEffects(state)) this.perform(owner, run, effect);
    });
  }
}

const lost: Failure = { code: 'unavailable', detail: 'nothing was heard of it' };
const cancelled: Failure = { code: 'cancelled', detail: 'the run was cancelled' };
