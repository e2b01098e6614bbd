import { ask, askForMore } from './asking.ts';
import type { Spend } from './budget.ts';
import { checkItems, chosenFor } from './choice.ts';
import { isSentOut, recallOf } from './counterfactual.ts';
import { deadlinesOf } from './deadlines.ts';
import { cancelUnits, conclude, end } from './ending.ts';
import type { AttemptRef, Effect, Failure, Transition, Usage } from './events.ts';
import { mayPass, mayTakeOver } from './failover.ts';
import { backoffMs, bounds, goesOn, mayRetry, type GraphStep } from './graph.ts';
import { faultOfItem, isReady, mayGrow, nextItem, streamsOf } from './gate.ts';
import type { Json } from './json.ts';
import { claimsOf, heldBy } from './limits.ts';
import { faultOfCall, isTold, nextOf, questionOf, refusalOf, refusedCall, type Grown } from './llm.ts';
import { mayDegrade } from './unavailable.ts';
import { afterTurn } from './repeat.ts';
import { bounded, guarded, inputOf, keyOf, scopeOf, targetOf } from './scope.ts';
import { givenToChild, isAbove, mayMakeRoom, reservationFor, type Shortage } from './spending.ts';
import { hasToUndo, unitOf, type RunState, type StepState, type UnitState } from './state.ts';
import { record, type Work } from './turn.ts';
import { waitOf } from './wait.ts';

/** Begins a step whose needs have ended. */
export function begin(work: Work, s: number): void {
  const { state, given } = work;
  const step = state.graph.steps[s] as GraphStep;
  const current = state.steps[s] as StepState;
  // The run began to end after this had become ready.
  if (current.status !== 'pending') return;
  const scope = scopeOf(state, s, -1);
  const runs = guarded(() => {
    if (step.undoes !== undefined) return hasToUndo(state, step.undoes);
    if (step.condition !== undefined) return step.condition(scope);
    // A step whose needs were all skipped has nothing to work on; one with a condition decides for itself.
    return step.needs.length === 0 || current.skippedNeeds < step.needs.length;
  });
  if ('error' in runs) return failAtOnce(work, s, -1, runs.error);
  if (!runs.value) {
    record(work, { t: 'skipped', at: given.at, s });
    releaseDependents(work, s);
    return;
  }
  if (step.kind === 'llm') return grow(work, s, [{ k: 'model' }]);
  if (step.repeat !== undefined) return fan(work, s, 1);
  if (step.stream !== undefined) return beginStream(work, s, step.stream);
  if (step.items === undefined) return beginUnit(work, s, -1);
  // Undoing has as many units as what was done, and is bounded by that.
  if (step.undoes !== undefined) return fan(work, s, (state.steps[step.undoes] as StepState).units.length);
  const items = guarded(() => step.items?.(scope) ?? []);
  if ('error' in items) return failAtOnce(work, s, -1, items.error);
  const count = items.value.length;
  if (count > bounds.items || state.units + count > bounds.units) {
    const limit = count > bounds.items ? `${bounds.items} items` : `${bounds.units} steps and items in one run`;
    const detail = `forEach gives ${count} items, the limit is ${limit}`;
    return failAtOnce(work, s, -1, {
      code: 'limited',
      isFinal: true,
      detail,
      next: 'Split the work over child workflows or larger items.',
    });
  }
  const needs = guarded(() => checkItems(step, scope, items.value));
  if ('error' in needs) return failAtOnce(work, s, -1, needs.error);
  fan(work, s, count, needs.value);
  current.items = items.value;
}

/** Gives a step its units, and begins those that may. */
function fan(work: Work, s: number, count: number, needs?: number[][]): void {
  record(work, { t: 'fanned', at: work.given.at, s, count, ...(needs && { needs }) });
  releaseDependents(work, s);
  if (count > 0) return fill(work, s);
  if (mayGrow(work.state, s)) return;
  record(work, { t: 'joined', at: work.given.at, s });
  releaseDependents(work, s);
}

/** Begins a step whose items are those of another that is under way, or has ended. */
function beginStream(work: Work, s: number, source: number): void {
  const { status, isFanned, units } = work.state.steps[source] as StepState;
  if (isFanned && (status === 'open' || status === 'succeeded')) return fan(work, s, units.length);
  const { key } = work.state.graph.steps[source] as GraphStep;
  failAtOnce(work, s, -1, {
    code: 'invalid',
    isFinal: true,
    detail: `${key}, which its items come from, was ${status}`,
    next: `Look at ${key}.`,
  });
}

/** Another unit for a step, and for those that stream from it. */
function addUnit(work: Work, s: number): void {
  record(work, { t: 'more', at: work.given.at, s, count: 1 });
  for (const stream of streamsOf(work.state.graph, s)) if (work.state.steps[stream]?.status === 'open') addUnit(work, stream);
}

/** The last turn so far has ended. */
function turnOrJoin(work: Work, s: number): void {
  const { state, given } = work;
  const { units } = state.steps[s] as StepState;
  const next = guarded(() => afterTurn(state, s, units.length - 1));
  if ('value' in next && typeof next.value === 'object' && 'end' in next.value) {
    return record(work, { t: 'joined', at: given.at, s, end: next.value.end });
  }
  addUnit(work, s);
  const i = units.length - 1;
  // The turn that would have come next is what fails.
  if ('error' in next) return failAtOnce(work, s, i, next.error);
  if (typeof next.value === 'object' && 'fail' in next.value) return failAtOnce(work, s, i, next.value.fail);
  if (state.units <= bounds.units) return fill(work, s);
  const detail = `the run has more than ${bounds.units} steps and items`;
  failAtOnce(work, s, i, { code: 'limited', isFinal: true, detail, next: 'Split the work over child workflows.' });
}

/** Gives an `llm` step more units, and begins them. */
function grow(work: Work, s: number, units: Grown[]): void {
  const { state, given } = work;
  record(work, { t: 'grew', at: given.at, s, units });
  if (state.units > bounds.units) {
    const detail = `the run has more than ${bounds.units} steps and items`;
    const i = (state.steps[s] as StepState).units.length - 1;
    return failAtOnce(work, s, i, { code: 'limited', isFinal: true, detail, next: 'Split the work over child workflows.' });
  }
  fill(work, s);
}

/** All units of an `llm` step have ended. */
function growOrJoin(work: Work, s: number): void {
  const { state, given } = work;
  const step = state.steps[s] as StepState;
  const next = nextOf(state.graph.steps[s] as GraphStep, step);
  if (next === 'join') {
    record(work, { t: 'joined', at: given.at, s });
    return releaseDependents(work, s);
  }
  if ('grow' in next) return grow(work, s, next.grow);
  // The call that would have come next is what fails.
  record(work, { t: 'grew', at: given.at, s, units: [{ k: 'model' }] });
  failAtOnce(work, s, step.units.length - 1, next.fail);
}

/** Begins items while the step's cap allows it. */
export function fill(work: Work, s: number): void {
  const step = work.state.steps[s] as StepState;
  const { maxParallel } = work.state.graph.steps[s] as GraphStep;
  if (work.filling.has(s)) return;
  work.filling.add(s);
  while (step.open < maxParallel && step.status === 'open') {
    const i = nextItem(step);
    if (i === undefined) break;
    beginUnit(work, s, i);
  }
  work.filling.delete(s);
}

function beginUnit(work: Work, s: number, i: number): void {
  const { state } = work;
  const step = state.graph.steps[s] as GraphStep;
  const fault = step.kind === 'llm' ? faultOfCall(step, state.steps[s] as StepState, i) : faultOfItem(state.steps[s] as StepState, i);
  if (fault !== undefined) return failAtOnce(work, s, i, fault);
  // Nobody is asked anything in a run that goes by a recorded one.
  const question = step.kind === 'llm' && state.counterfactual === undefined ? questionOf(step, state.steps[s] as StepState, i) : undefined;
  if (question !== undefined) {
    const error = ask(work, s, i, { approval: question });
    work.effects.push(...deadlinesOf(state, s, i));
    return error && failAtOnce(work, s, i, error);
  }
  if (step.kind !== 'value') return attempt(work, s, i, 1);
  const value = guarded(() => bounded(step.input(scopeOf(state, s, i)), `/spec/steps/${step.key}/value`));
  if ('error' in value) return failAtOnce(work, s, i, value.error);
  succeed(work, { s, i, n: 0 }, value.value);
}

/** Waits for a time or a signal; a signal that came before is taken. */
function beginWait(work: Work, s: number, i: number, value: Json): void {
  const { state, given } = work;
  const wait = guarded(() => waitOf(value, given.at, `/spec/steps/${(state.graph.steps[s] as GraphStep).key}/wait`));
  if ('error' in wait) return failAtOnce(work, s, i, wait.error);
  const ref = { s, i, n: 1 };
  record(work, { t: 'waits', at: given.at, ...ref, ...wait.value });
  const { due, signal: name } = wait.value;
  const came = name === undefined ? undefined : state.signals.open.get(name)?.[0];
  if (came !== undefined) succeed(work, ref, came);
  else if (due !== undefined) work.effects.push({ e: 'wakeAt', timer: 'wake', ...ref, due });
}

/** Sends a unit's work out: a task to an executor, or a child run. A wait and an approval send nothing. */
export function attempt(work: Work, s: number, i: number, n: number): void {
  const { state, given, effects } = work;
  const step = state.graph.steps[s] as GraphStep;
  // Computed before it is queued, so that an expression that fails ends the step instead of being sent.
  const input = guarded(() => inputOf(state, s, i));
  if ('error' in input) return failAtOnce(work, s, i, input.error, n);
  const chosen = unitOf(state, s, i)?.chosen === undefined ? guarded(() => chosenFor(step, scopeOf(state, s, i))) : { value: undefined };
  if ('error' in chosen) return failAtOnce(work, s, i, chosen.error, n);
  const asked = chosen.value ?? unitOf(state, s, i)?.chosen;
  if (!isSentOut(state, s, i, asked)) return recall(work, { s, i, n }, input.value, asked);
  if (step.kind === 'wait') return beginWait(work, s, i, input.value);
  if (step.kind === 'approval') {
    const error = ask(work, s, i, input.value);
    return error && failAtOnce(work, s, i, error);
  }
  const claims = guarded(() => claimsOf(state, s, i));
  if ('error' in claims) return failAtOnce(work, s, i, claims.error, n);
  const reserved = reservationFor(state, { s, i, n }, input.value, chosen.value);
  if ('fail' in reserved) return failAtOnce(work, s, i, reserved.fail, n);
  if ('short' in reserved) return holdBack(work, { s, i, n }, reserved.short);
  if ('ask' in reserved) return askForMore(work, { s, i, n }, reserved.ask);
  const { holds, ...cheaper } = reserved;
  const held = holds !== undefined && { holds };
  if (step.kind === 'workflow') {
    const run = given.newRunId();
    record(work, { t: 'child', at: given.at, s, i, n, run, ...held });
    effects.push(childOf(state, s, i, run, input.value));
  } else {
    const agent = chosen.value ?? unitOf(state, s, i)?.agent;
    record(work, { t: 'queued', at: given.at, s, i, n, ...(agent !== undefined && { agent }), ...held, ...cheaper });
    effects.push({ e: 'dispatch', s, i, n, input: input.value, ...(claims.value.length > 0 && { claims: claims.value }) });
  }
  effects.push(...deadlinesOf(state, s, i));
}

/** Answers a unit by what was recorded, without anything that leaves; where that is not known, the run has gone another way, and ends. */
function recall(work: Work, ref: AttemptRef, input: Json, chosen: string | undefined): void {
  const { state, given } = work;
  const { s, i, n } = ref;
  const answer = recallOf(state, s, i, input, chosen);
  if (answer === undefined) {
    return end(work, {
      status: 'failed',
      reason: 'diverged',
      error: {
        code: 'conflict',
        isFinal: true,
        detail: `${keyOf(state, s, i)} asks what the recorded run did not ask there`,
        next: 'Compare both runs. With onDivergence: reuse answers are given by the step alone.',
      },
    });
  }
  if (answer.error !== undefined) return failAtOnce(work, s, i, answer.error, n);
  const agent = chosen !== undefined && { agent: chosen };
  record(work, { t: 'succeeded', at: given.at, ...ref, output: answer.output ?? null, isKept: true, ...agent });
  afterUnit(work, s);
}

/** The start of the run that does a unit's work. */
export function childOf(state: RunState, s: number, i: number, run: string, input: Json): Effect {
  const budget = givenToChild(state, s, unitOf(state, s, i) as UnitState);
  const workflow = targetOf(state, s, i);
  const within = heldBy(state);
  return {
    e: 'startChild',
    s,
    i,
    run,
    workflow,
    input,
    depth: state.depth + 1,
    ...(budget && { budget }),
    ...(within.length > 0 && { within }),
  };
}

/** An attempt waits until what others have set aside is free again, or a budget above the run gives more. */
function holdBack({ state, given, effects, ...work }: Work, ref: AttemptRef, shortage: Shortage): void {
  const { short } = unitOf(state, ref.s, ref.i) as UnitState;
  const isKnown = short?.of === shortage.of && JSON.stringify(short.wants) === JSON.stringify(shortage.wants);
  if (isKnown) return;
  record({ ...work, state, given, effects }, { t: 'short', at: given.at, ...ref, ...shortage });
  if (isAbove(shortage)) effects.push({ e: 'wantBudget', scope: shortage.of, wants: shortage.wants });
  if (short === undefined) effects.push(...deadlinesOf(state, ref.s, ref.i));
}

/** Attempts that waited for a budget are made as far as it has enough by now; of each step the first first. False: none could be. */
export function goOnShort(work: Work): boolean {
  const { state } = work;
  const before = work.transitions.length;
  for (let s = 0; s < state.steps.length; s++) {
    const step = state.steps[s] as StepState;
    for (let index = 0; index < step.units.length && step.status === 'open' && state.status === 'running'; index++) {
      const unit = step.units[index] as UnitState;
      if (unit.short === undefined) continue;
      attempt(work, s, step.isFanned ? index : -1, unit.attempt);
      if (unit.short !== undefined) break;
    }
  }
  return work.transitions.length > before;
}

/** A budget above the run gives no more: what waits for it fails, unless something of the run that is under way may still make room. */
export function denyShort(work: Work, scope: string, error: Failure): void {
  const { state } = work;
  state.steps.forEach((step, s) =>
    step.units.forEach((unit, index) => {
      if (unit.short?.of !== scope || step.status !== 'open' || mayMakeRoom(state, unit.short)) return;
      failAtOnce(work, s, step.isFanned ? index : -1, error, unit.attempt);
    }),
  );
}

export function succeed(work: Work, { s, i, n }: AttemptRef, output: Json, usage?: Usage, spent?: Spend): void {
  const { grown, units } = work.state.steps[s] as StepState;
  const refusal = refusalOf(grown?.[i], output);
  if (refusal !== undefined) return fail(work, { s, i, n }, units[i] as UnitState, refusal, false, usage);
  // What undoing gives is nobody's to see.
  const kept = work.state.graph.steps[s]?.part === 'undo' ? null : output;
  record(work, {
    t: 'succeeded',
    at: work.given.at,
    s,
    i,
    n,
    output: kept,
    ...(usage !== undefined && { usage }),
    ...(spent && { spent }),
  });
  afterUnit(work, s);
}

export function fail(work: Work, ref: AttemptRef, unit: UnitState, error: Failure, isLost: boolean, usage?: Usage, spent?: Spend): void {
  const { state, given } = work;
  const step = state.graph.steps[ref.s] as GraphStep;
  const tries = ref.n - unit.base;
  // What a model called has no fallback: that is another model.
  const isCalled = step.kind === 'llm' && state.steps[ref.s]?.grown?.[ref.i]?.k !== 'model';
  const isFallbackLeft = step.fallback !== undefined && unit.agent === undefined && !isCalled;
  const lost = { ...(isLost && { isLost: true as const }), ...(usage !== undefined && { usage }), ...(spent && { spent }) };
  if (error.isFinal !== true && mayRetry(step.retry, error.code, tries)) {
    const due = given.at + backoffMs(step.retry, tries, given.random(), error.retryAfterMs);
    record(work, { t: 'retrying', at: given.at, s: ref.s, i: ref.i, n: ref.n, due, error, ...lost });
    work.effects.push({ e: 'wakeAt', timer: 'wake', s: ref.s, i: ref.i, n: ref.n, due });
  } else if (isFallbackLeft && mayPass(error)) {
    record(work, {
      t: 'retrying',
      at: given.at,
      s: ref.s,
      i: ref.i,
      n: ref.n,
      due: given.at,
      error,
      agent: step.fallback as string,
      ...lost,
    });
    attempt(work, ref.s, ref.i, ref.n + 1);
  } else if (!isCalled && mayPass(error) && mayTakeOver(state, ref.s, ref.i)) {
    record(work, { t: 'seeking', at: given.at, s: ref.s, i: ref.i, n: ref.n, error, ...lost });
    work.effects.push({ e: 'seek', s: ref.s, i: ref.i, n: ref.n });
  } else if (mayDegrade(step, error)) degrade(work, ref, error, lost);
  else {
    record(work, { t: 'failed', at: given.at, s: ref.s, i: ref.i, n: ref.n, error, ...lost });
    afterFailure(work, ref.s, ref.i, error);
  }
}

/** Nobody can do a unit: what its step declares for that stands in. */
export function degrade(
  work: Work,
  { s, i, n }: AttemptRef,
  error: Failure,
  rest: Pick<Transition & { t: 'degraded' }, 'isLost' | 'usage' | 'spent'>,
): void {
  const { key, unavailable } = work.state.graph.steps[s] as GraphStep;
  const use = unavailable?.use;
  const pointer = `/spec/steps/${key}/whenUnavailable/use`;
  const value = use && guarded(() => bounded(use(scopeOf(work.state, s, i)), pointer));
  if (value !== undefined && 'error' in value) return failAtOnce(work, s, i, value.error, n);
  record(work, { t: 'degraded', at: work.given.at, s, i, n, error, ...(value && { output: value.value }), ...rest });
  afterUnit(work, s);
}

/** Ends a unit at once by what came of it. */
export function endWith(work: Work, ref: AttemptRef, result: { output: Json } | { error: Failure }): void {
  const isRaise = unitOf(work.state, ref.s, ref.i)?.approval?.raise !== undefined;
  if (isRaise || work.state.graph.steps[ref.s]?.kind === 'llm') {
    // People have let a call be made, or given a budget more, or not.
    if ('output' in result) attempt(work, ref.s, ref.i, ref.n);
    else failAtOnce(work, ref.s, ref.i, isRaise ? result.error : refusedCall(result.error), ref.n);
  } else if ('output' in result) succeed(work, ref, result.output);
  else failAtOnce(work, ref.s, ref.i, result.error, ref.n);
}

/** Fails a unit by what no policy tries again: an error of its own expressions, a signal that did not come. */
export function failAtOnce(work: Work, s: number, i: number, error: Failure, n = 0): void {
  record(work, { t: 'failed', at: work.given.at, s, i, n, error });
  afterFailure(work, s, i, error);
}

/** Ends a unit whose end nobody reported, and that is not tried again. */
export function giveUp(work: Work, { s, i, n }: AttemptRef, error: Failure): void {
  record(work, { t: 'failed', at: work.given.at, s, i, n, error, isLost: true });
  afterFailure(work, s, i, error);
}

/** A unit has failed for good: so has the run, unless the step lets it go on. */
function afterFailure(work: Work, s: number, i: number, error: Failure): void {
  const { state } = work;
  const step = state.graph.steps[s] as GraphStep;
  const { isFanned, failures, units, status, grown } = state.steps[s] as StepState;
  if (grown !== undefined && isTold(grown[i], error)) return afterUnit(work, s);
  if (grown !== undefined && status === 'open') stop(work, s);
  if (i >= 0 && isFanned && step.maxFailures !== undefined && status === 'open') {
    if (failures <= step.maxFailures(units.length)) return afterUnit(work, s);
    stop(work, s);
  }
  endOrGoOn(work, s, i, error);
}

/** Cancels what is open of a step that has failed. */
function stop(work: Work, s: number): void {
  cancelUnits(work.state, work.state.steps[s] as StepState, s, work.effects);
  record(work, { t: 'stopped', at: work.given.at, s });
}

/** A step or an item of it has failed: so has the run, unless the step lets it go on. */
function endOrGoOn(work: Work, s: number, i: number, error: Failure): void {
  const { state } = work;
  if (goesOn(state.graph.steps[s] as GraphStep)) return afterUnit(work, s);
  const code = error.code;
  const reason = code === 'limited' || code === 'timeout' || code === 'rejected' ? code : 'failed';
  end(work, { status: 'failed', reason, error: { ...error, detail: `${keyOf(state, s, i)}: ${error.detail}` } });
}

/** A unit has ended: others may begin, or the step ends. */
export function afterUnit(work: Work, s: number): void {
  const { bytes, ending, steps } = work.state;
  const step = steps[s] as StepState;
  // The steps of `finally` have as much room again: the run may have ended for want of it.
  if (bytes > (ending === undefined ? bounds.runBytes : 2 * bounds.runBytes)) {
    const error: Failure = {
      code: 'limited',
      isFinal: true,
      detail: `the outputs of this run are larger than ${bounds.runBytes} bytes together`,
      next: 'Store what is large as artifacts and pass references.',
    };
    return ending === undefined ? end(work, { status: 'failed', reason: 'limited', error }) : conclude(work, error);
  }
  if (step.isFanned && step.left > 0) fill(work, s);
  else if (step.grown !== undefined && step.status === 'open') return growOrJoin(work, s);
  else if (work.state.graph.steps[s]?.repeat !== undefined && step.status === 'open') turnOrJoin(work, s);
  else if (step.isFanned && step.status === 'open' && !mayGrow(work.state, s)) record(work, { t: 'joined', at: work.given.at, s });
  releaseDependents(work, s);
}

/** A step has items, one of them has ended, or all of it: others may begin, and those that stream from it go on. */
function releaseDependents(work: Work, s: number): void {
  const { graph, steps, status } = work.state;
  if (status !== 'running') return;
  const { status: own } = steps[s] as StepState;
  for (const dependent of (graph.steps[s] as GraphStep).dependents) {
    if (isReady(work.state, dependent)) work.ready.push(dependent);
    else if (graph.steps[dependent]?.stream !== s || steps[dependent]?.status !== 'open') continue;
    else if (own === 'open' || own === 'succeeded') afterUnit(work, dependent);
    else stopStream(work, dependent, s);
  }
}

/** What a step's items come from has failed: so has the step. */
function stopStream(work: Work, s: number, source: number): void {
  const { key } = work.state.graph.steps[source] as GraphStep;
  const step = work.state.steps[s] as StepState;
  const i = step.units.findIndex(({ status }) => status === 'pending');
  const error: Failure = {
    code: 'cancelled',
    isFinal: true,
    detail: `${key}, which its items come from, has failed`,
    next: `Look at ${key}.`,
  };
  record(work, { t: 'failed', at: work.given.at, s, i, n: step.units[i]?.attempt ?? 0, error });
  if (step.status === 'open') stop(work, s);
  endOrGoOn(work, s, i, error);
}
