import { measures, totalOf, type Account } from '../core/budget.ts';
import type { Transition } from '../core/events.ts';
import { mayTakeOver } from '../core/failover.ts';
import { goesOn, type Graph, type GraphStep } from '../core/graph.ts';
import { notUndone } from '../core/ending.ts';
import { restore } from '../core/restore.ts';
import { keyOf } from '../core/scope.ts';
import { applyTransition } from '../core/apply.ts';
import { unitsKept } from '../core/fork.ts';
import { alignedTo, hasBegun, incompatibilities } from '../core/upgrade.ts';
import { isOver, newRun, unitOf, type RunState } from '../core/state.ts';
import { checkCounterfactual } from './counterfactual-check.ts';
import { Random } from './random.ts';
import { graphWithout, randomGraph } from './random-graph.ts';
import { World, type Faults } from './world.ts';

/** A schedule's result, for the count at the end. */
export interface Simulated {
  state: RunState;
  runs: number;
  recorded: number;
  crashes: number;
  /** How often a run was put to rest. */
  rests: number;
  /** How often runs went over to another definition. */
  upgraded: number;
  /** How often runs were set aside. */
  setAside: number;
  /** How often a run had to have places before it began. */
  admitted: number;
  /** Answers to approvals that were acknowledged. */
  answered: number;
  /** How many runs were done again by what is recorded of them. */
  doneAgain: number;
  /** Steps and items that a fork took over. */
  kept: number;
  /** Steps and items for which stood in what they declare. */
  degraded: number;
}

/** One schedule: what happens follows from the seed alone. */
export interface Schedule {
  seed: number;
  faults: Faults;
  /** Faults stop after this many steps of the schedule; `faultySteps` if absent. */
  faultyUntil?: number;
  /** Steps of the workflow that are left out, with what undoes them. */
  without?: readonly number[];
}

/** Plays one schedule and proves what must hold of it. Throws, naming the seed, when something does not. */
export function simulate({ seed, faults, faultyUntil, without = [] }: Schedule): Simulated {
  const random = new Random(seed);
  const world = new World(random, faults, (depth) => randomGraph(random, { depth }), faultyUntil);
  try {
    const state = world.play(graphWithout(randomGraph(random, { failing: true }), without), { seed });
    let recorded = 0;
    let crashes = 0;
    let rests = 0;
    let upgraded = 0;
    let setAside = 0;
    let admitted = 0;
    let doneAgain = 0;
    let degraded = 0;
    for (const [run, rows] of world.disk) {
      const transitions = rows.flatMap((row) => row.transitions);
      crashes += transitions.filter(({ t }) => t === 'taken').length;
      rests += transitions.filter(({ t }) => t === 'rested').length;
      upgraded += transitions.filter(({ t }) => t === 'upgraded').length;
      setAside += transitions.filter(({ t }) => t === 'quarantined').length;
      admitted += transitions.filter(({ t }) => t === 'admitted').length;
      degraded += transitions.filter(({ t }) => t === 'degraded').length;
      recorded += checkRun(world, run, transitions);
      if (checkCounterfactual(restore(run, world.graphs.get(run) as Graph, transitions, world.definitions), 'agent0')) doneAgain++;
      let next = 0;
      for (const row of rows) {
        if (row.seq !== next) throw new Error(`${run} has a gap before ${row.seq}`);
        next += row.transitions.length;
      }
      const epochs = rows.map(({ owner }) => owner);
      if (epochs.some((epoch, index) => index > 0 && epoch < (epochs[index - 1] as number)))
        throw new Error(`${run}: a fenced owner wrote`);
    }
    for (const { run, s, i, n } of world.acknowledged) {
      const rows = world.disk.get(run) ?? [];
      const isThere = rows.some(({ transitions }) => transitions.some((t) => t.t === 'succeeded' && t.s === s && t.i === i && t.n === n));
      if (!isThere) throw new Error(`${run} ${s}.${i}.${n} was acknowledged and is not recorded`);
    }
    for (const { run, id } of world.signalled) {
      const known = (world.disk.get(run) ?? []).flatMap(({ transitions }) => transitions).filter((t) => t.t === 'signalled' && t.id === id);
      if (known.length !== 1) throw new Error(`${run}: the signal ${id} was acknowledged and is recorded ${known.length} times`);
    }
    for (const { run, s, i, n, approved } of world.answered) {
      const rows = (world.disk.get(run) ?? []).flatMap(({ transitions }) => transitions);
      const answers = rows.filter((t) => t.t === 'answered' && t.s === s && t.i === i && t.n === n);
      const [only] = answers;
      if (answers.length !== 1 || only?.t !== 'answered' || only.approved !== approved)
        throw new Error(`${run}: the answer to ${s}.${i}.${n} was acknowledged and is recorded ${answers.length} times`);
    }
    checkBudgets(world);
    return {
      state,
      runs: world.disk.size,
      recorded,
      crashes,
      rests,
      upgraded,
      setAside,
      admitted,
      answered: world.answered.length,
      doneAgain,
      kept: [...world.kept.values()].reduce((sum, each) => sum + unitsKept(each), 0),
      degraded,
    };
  } catch (cause) {
    throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
  }
}

/** What nothing of a run does before it has its places; what a fork keeps is recorded with its start. */
const begins: ReadonlySet<Transition['t']> = new Set<Transition['t']>([
  'queued',
  'began',
  'child',
  'waits',
  'asks',
  'fanned',
  'grew',
  'entered',
]);

/** What must hold of one run's history; returns how many results it records. */
function checkRun({ graphs, definitions, kept }: World, run: string, transitions: readonly Transition[]): number {
  const first = graphs.get(run) as Graph;
  const untilKept = kept.get(run)?.length ?? 0;
  const ends = new Map<string, number>();
  const begun = new Set<string>();
  let succeeded = 0;
  let endedAt = -1;
  const before = newRun(run, first);
  transitions.forEach((transition, index) => {
    if (index > 0) applyTransition(before, transitions[index - 1] as Transition, definitions);
    const { graph } = before;
    if (transition.t === 'upgraded') checkUpgrade(before, definitions.get(transition.to) as Graph);
    if (endedAt >= 0) throw new Error(`${run} goes on after its end`);
    const isWaiting = before.claims.length > 0 && before.admittedAt === undefined;
    if (isWaiting && index > untilKept && begins.has(transition.t)) throw new Error(`${run} ${transition.t} without its places`);
    if (transition.t === 'ended') endedAt = index;
    if (transition.t === 'queued' || transition.t === 'child' || transition.t === 'waits' || transition.t === 'asks') {
      const key = `${transition.s}.${transition.i}.${transition.n}`;
      // What people are asked for a call of a model comes before that call.
      const what = `${transition.t === 'asks' ? 'asks' : 'sends'} ${key}`;
      if (begun.has(what)) throw new Error(`${run} ${what} twice`);
      if (ends.has(`${transition.s}.${transition.i}`)) throw new Error(`${run} sends ${key} after it has ended`);
      begun.add(what);
      const { needs = [], stream } = graph.steps[transition.s] ?? {};
      const needed = before.steps[transition.s]?.gate?.needs[transition.i] ?? [];
      const unmet = needed.find((i) => before.steps[transition.s]?.units[i]?.status !== 'succeeded');
      if (unmet !== undefined) throw new Error(`${run} begins ${key} before item ${unmet}`);
      for (const need of needs) {
        const { status, units } = before.steps[need] as RunState['steps'][number];
        if (need === stream && isOver(units[transition.i]?.status ?? 'pending')) continue;
        const hasEnded = status === 'succeeded' || status === 'skipped' || (status === 'failed' && goesOn(graph.steps[need] as GraphStep));
        if (!hasEnded) throw new Error(`${run} begins ${key} before its need ${need}`);
      }
      const { open } = before.steps[transition.s] as RunState['steps'][number];
      const isNew = before.steps[transition.s]?.units[Math.max(0, transition.i)]?.status === 'pending';
      if (isNew && open >= (graph.steps[transition.s]?.maxParallel ?? 0))
        throw new Error(`${run} begins more of ${transition.s} than it may`);
    }
    if ((transition.t === 'moved' || transition.t === 'retrying') && transition.agent !== undefined) {
      const unit = unitOf(before, transition.s, transition.i);
      const policy = graph.steps[transition.s]?.failover;
      if (policy !== undefined && !mayTakeOver(before, transition.s, transition.i, transition.agent))
        throw new Error(`${run} moves ${transition.s}.${transition.i} from ${unit?.agent} to ${transition.agent}, which may not`);
      if (transition.t === 'moved' && unit?.status !== 'waiting') throw new Error(`${run} moves ${transition.s} while it is worked on`);
    }
    if (transition.t === 'degraded') {
      const { unavailable } = graph.steps[transition.s] as GraphStep;
      if (unavailable === undefined || (unavailable.use === undefined) !== (transition.output === undefined))
        throw new Error(`${run} degrades ${transition.s} otherwise than it says`);
    }
    if (transition.t === 'succeeded' || transition.t === 'degraded') {
      succeeded++;
      const key = `${transition.s}.${transition.i}`;
      ends.set(key, (ends.get(key) ?? 0) + 1);
      if (ends.get(key) !== 1) throw new Error(`${run} records ${key} twice`);
    }
  });
  if (endedAt !== transitions.length - 1) throw new Error(`${run} has not ended`);
  const state = restore(run, first, transitions, definitions);
  const { graph } = state;
  if (state.status === 'succeeded') {
    state.steps.forEach((step, s) => {
      const { onError, maxFailures } = graph.steps[s] as GraphStep;
      // What a model called may have failed: it was told.
      const mayFail = onError === 'continue' || maxFailures !== undefined || step.grown !== undefined;
      const isStopped = onError === 'continue' && step.status === 'failed';
      const isDone =
        step.status === 'skipped' ||
        step.units.every(({ status, degraded }) => status === 'succeeded' || degraded !== undefined || (mayFail && status === 'failed'));
      if (!isDone && !isStopped) throw new Error(`${run} succeeded with step ${s} ${step.status}`);
    });
    if ((state.reason?.startsWith('degraded: ') === true) !== state.degraded > 0)
      throw new Error(`${run} does not say that it was degraded: ${state.reason}`);
  }
  // Who fails what was set aside has nothing follow, and nothing follows what never began.
  const isBegun = state.claims.length === 0 || state.admittedAt !== undefined;
  if (state.reason !== 'quarantined' && isBegun) checkEnd(graph, state, transitions);
  return succeeded;
}

/** What a run has done stays what it was, and all else is as the new definition says. */
function checkUpgrade(before: RunState, to: Graph): void {
  const { run, graph } = before;
  const wrong = incompatibilities(before, to);
  if (wrong.length > 0) throw new Error(`${run} goes over to what does not fit: ${JSON.stringify(wrong)}`);
  const after = alignedTo(before, to);
  const names = (need: number): string => (after.steps[need] as GraphStep).key;
  for (const step of graph.steps) {
    if (hasBegun(before, step.id) && after.steps[step.id]?.key !== step.key) throw new Error(`${run}: ${step.key} has another id`);
  }
  for (const step of to.steps) {
    const found = after.steps.filter(({ key, isRemoved }) => key === step.key && isRemoved !== true);
    if (found.length !== 1) throw new Error(`${run}: ${step.key} is there ${found.length} times`);
    const [one] = found as [GraphStep];
    if (graph.steps[one.id]?.key === step.key && hasBegun(before, one.id)) continue;
    const needs = step.needs.map((need) => (to.steps[need] as GraphStep).key);
    if (String(one.needs.map(names)) !== String(needs)) throw new Error(`${run}: ${step.key} needs ${one.needs.map(names).join()}`);
  }
}

/** What executors have used is in the ledger of their run, and no ledger is ever over its limit. */
function checkBudgets(world: World): void {
  let all = 0;
  for (const run of [...world.disk.keys()].toReversed()) {
    const { tokens = 0, costUsd = 0, attempts = 0 } = world.used.get(run) ?? {};
    all += tokens;
    const transitions = (world.disk.get(run) ?? []).flatMap((row) => row.transitions);
    const state = newRun(run, world.graphs.get(run) as Graph);
    for (const transition of transitions) {
      applyTransition(state, transition, world.definitions);
      // What undoes and tidies up may use what was set aside, and is not refused for the number of its steps.
      for (const account of accountsOf(state)) {
        const total = totalOf(account);
        const over = measures.find((measure) => total[measure] > (account.limit[measure] ?? Infinity) + 1e-6);
        if (over !== undefined) throw new Error(`${run}: ${total[over]} ${over} of ${account.limit[over]} after ${transition.t}`);
      }
    }
    if (state.budget === undefined) continue;
    const total = totalOf(state.budget);
    if (Object.keys(state.budget.limit).length + state.budget.above.size === 0) continue;
    if (tokens > total.tokens || costUsd > total.costUsd + 1e-6)
      throw new Error(`${run}: ${tokens} tokens were used and ${total.tokens} are known`);
    if (state.graph.undo === undefined && state.graph.finally === undefined && attempts > total.steps)
      throw new Error(`${run}: ${attempts} attempts were made and ${total.steps} are known`);
    const { spent, unreported } = state.budget;
    const told = state.usage.inputTokens + state.usage.outputTokens;
    if (Math.abs(spent.tokens - unreported.tokens - told) > 1e-6)
      throw new Error(`${run}: the budget says ${spent.tokens - unreported.tokens} tokens, attempts said ${told}`);
  }
  if (world.above.tokens > 0 && all > world.above.tokens) throw new Error(`${all} tokens were used of ${world.above.tokens} for all runs`);
}

function accountsOf({ budget, steps }: RunState): Account[] {
  const ofSteps = steps.flatMap((step) => step.budget ?? []);
  return budget === undefined ? ofSteps : [budget, ...budget.above.values(), ...ofSteps];
}

/** What must hold of what follows the main graph. */
function checkEnd(graph: Graph, state: RunState, transitions: readonly Transition[]): void {
  const ending = transitions.findIndex(({ t }) => t === 'ending');
  transitions.forEach((transition, index) => {
    if (!('s' in transition)) return;
    const part = graph.steps[transition.s]?.part;
    if ((part === undefined) !== (ending < 0 || index < ending))
      throw new Error(`${state.run}: ${transition.t} of ${part} at the wrong time`);
  });
  const entered = transitions.flatMap((transition) => (transition.t === 'entered' ? [transition.stage] : []));
  const cut = transitions.some(({ t }, index) => index < ending && t === 'ended');
  if (graph.finally !== undefined && !cut && state.reason !== 'limited' && !entered.includes('finally'))
    throw new Error(`${state.run}: finally did not run`);
  if (graph.undo === undefined) return;
  const { status } = state.ending ?? state;
  const isDue = status !== 'succeeded' && graph.undo.on.includes(status as 'failed');
  const left = new Set(notUndone(state).map(({ key }) => key));
  graph.steps.forEach(({ undoes }, s) => {
    if (undoes === undefined) return;
    const done = state.steps[undoes] as RunState['steps'][number];
    const undo = state.steps[s] as RunState['steps'][number];
    done.units.forEach((unit, index) => {
      const was = undo.isFanned === done.isFanned ? undo.units[index]?.status : undo.units[0]?.status;
      const key = keyOf(state, undoes, done.isFanned ? index : -1);
      const isUndone = was === 'succeeded';
      const isDone = unit.status === 'succeeded' && unit.degraded === undefined && !unit.isKept;
      if (isUndone && (!isDone || !isDue)) throw new Error(`${state.run}: ${key} was undone and may not be`);
      if (isDone && isDue && !isUndone && !left.has(key)) throw new Error(`${state.run}: ${key} was forgotten`);
    });
  });
  if (left.size > 0 && state.status !== 'failed') throw new Error(`${state.run} ${state.status} with what it could not undo`);
}
