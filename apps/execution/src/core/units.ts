import { end } from './ending.ts';
import type { AttemptRef, Failure, Usage } from './events.ts';
import { backoffMs, bounds, mayRetry, permanent, type GraphStep } from './graph.ts';
import type { Json } from './json.ts';
import { bounded, guarded, inputOf, keyOf, scopeOf, targetOf } from './scope.ts';
import type { StepState, UnitState } from './state.ts';
import { record, type Work } from './turn.ts';
import { waitOf } from './wait.ts';

export function begin(work: Work, s: number): void {
  const { state, given } = work;
  const step = state.graph.steps[s] as GraphStep;
  const current = state.steps[s] as StepState;
  const runs = guarded(() =>
    // A step whose needs were all skipped has nothing to work on; one with a condition decides for itself.
    step.condition === undefined ? step.needs.length === 0 || current.skippedNeeds < step.needs.length : step.condition(state.scope),
  );
  if ('error' in runs) return failAtOnce(work, s, -1, runs.error);
  if (!runs.value) {
    record(work, { t: 'skipped', at: given.at, s });
    releaseDependents(work, s);
    return;
  }
  if (step.items === undefined) return beginUnit(work, s, -1);
  const items = guarded(() => step.items?.(state.scope) ?? []);
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
  record(work, { t: 'fanned', at: given.at, s, count });
  current.items = items.value;
  if (count === 0) {
    record(work, { t: 'joined', at: given.at, s });
    releaseDependents(work, s);
  } else fill(work, s);
}

/** Begins items while the step's cap allows it. */
export function fill(work: Work, s: number): void {
  const step = work.state.steps[s] as StepState;
  const { maxParallel } = work.state.graph.steps[s] as GraphStep;
  if (work.filling.has(s)) return;
  work.filling.add(s);
  while (step.open < maxParallel && step.next < step.units.length && work.state.status === 'running') beginUnit(work, s, step.next);
  work.filling.delete(s);
}

function beginUnit(work: Work, s: number, i: number): void {
  const { state } = work;
  const step = state.graph.steps[s] as GraphStep;
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
  else if (due !== undefined) work.effects.push({ e: 'wakeAt', ...ref, due });
}

/** Sends a unit's work out: a task to an executor, or a child run. A wait sends nothing. */
export function attempt(work: Work, s: number, i: number, n: number): void {
  const { state, given, effects } = work;
  const step = state.graph.steps[s] as GraphStep;
  // Computed before it is queued, so that an expression that fails ends the step instead of being sent.
  const input = guarded(() => inputOf(state, s, i));
  if ('error' in input) return failAtOnce(work, s, i, input.error, n);
  if (step.kind === 'wait') return beginWait(work, s, i, input.value);
  if (step.kind === 'workflow') {
    const run = given.newRunId();
    record(work, { t: 'child', at: given.at, s, i, n, run });
    effects.push({ e: 'startChild', s, i, run, workflow: targetOf(state, s, i), input: input.value, depth: state.depth + 1 });
  } else {
    record(work, { t: 'queued', at: given.at, s, i, n });
    effects.push({ e: 'dispatch', s, i, n, input: input.value });
  }
}

export function succeed(work: Work, { s, i, n }: AttemptRef, output: Json, usage?: Usage): void {
  record(work, { t: 'succeeded', at: work.given.at, s, i, n, output, ...(usage !== undefined && { usage }) });
  afterUnit(work, s);
}

export function fail(work: Work, ref: AttemptRef, unit: UnitState, error: Failure, isLost: boolean, usage?: Usage): void {
  const { state, given } = work;
  const step = state.graph.steps[ref.s] as GraphStep;
  const tries = ref.n - unit.base;
  const isFallbackLeft = step.fallback !== undefined && unit.agent === undefined;
  const lost = { ...(isLost && { isLost: true as const }), ...(usage !== undefined && { usage }) };
  if (error.isFinal !== true && mayRetry(step.retry, error.code, tries)) {
    const due = given.at + backoffMs(step.retry, tries, given.random(), error.retryAfterMs);
    record(work, { t: 'retrying', at: given.at, s: ref.s, i: ref.i, n: ref.n, due, error, ...lost });
    work.effects.push({ e: 'wakeAt', s: ref.s, i: ref.i, n: ref.n, due });
  } else if (isFallbackLeft && error.isFinal !== true && (error.code === 'not_found' || !permanent.includes(error.code))) {
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
  } else {
    record(work, {
      t: 'failed',
      at: given.at,
      s: ref.s,
      i: ref.i,
      n: ref.n,
      error,
      ...lost,
    });
    afterFailure(work, ref.s, ref.i, error);
  }
}

/** Fails a unit by what no policy tries again: an error of its own expressions, a signal that did not come. */
export function failAtOnce(work: Work, s: number, i: number, error: Failure, n = 0): void {
  record(work, { t: 'failed', at: work.given.at, s, i, n, error });
  afterFailure(work, s, i, error);
}

/** A unit has failed for good: so has the run, unless the step lets it go on. */
function afterFailure(work: Work, s: number, i: number, error: Failure): void {
  if (work.state.graph.steps[s]?.onError === 'continue') return afterUnit(work, s);
  const key = keyOf(work.state, s, i);
  const code = error.code;
  end(work, 'failed', code === 'limited' || code === 'timeout' ? code : 'failed', { ...error, detail: `${key}: ${error.detail}` });
}

function afterUnit(work: Work, s: number): void {
  const step = work.state.steps[s] as StepState;
  if (work.state.bytes > bounds.runBytes) {
    end(work, 'failed', 'limited', {
      code: 'limited',
      isFinal: true,
      detail: `the outputs of this run are larger than ${bounds.runBytes} bytes together`,
      next: 'Store what is large as artifacts and pass references.',
    });
    return;
  }
  if (step.isFanned && step.left > 0) return fill(work, s);
  if (step.isFanned) record(work, { t: 'joined', at: work.given.at, s });
  if (step.status === 'succeeded' || step.status === 'failed') releaseDependents(work, s);
}

function releaseDependents(work: Work, s: number): void {
  for (const dependent of (work.state.graph.steps[s] as GraphStep).dependents) {
    const waiting = work.state.steps[dependent] as StepState;
    if (waiting.missing === 0 && waiting.status === 'pending') work.ready.push(dependent);
  }
}
