import { applyTransition } from './apply.ts';
import { askOf, expired, judge, levelAt, policyOf, resultOf, type Answer, type Approval } from './approval.ts';
import type { AttemptRef, Effect, Failure, RunEvent, Transition, Usage } from './events.ts';
import { backoffMs, bounds, ExpressionError, mayRetry, permanent, type GraphStep, type Scope } from './graph.ts';
import { sizeOf, type Json } from './json.ts';
import { waitOf } from './wait.ts';
import { hasEnded, isOver, unitOf, type RunState, type StepState, type UnitState } from './state.ts';

/** Time, chance and identifiers, as the caller gives them: the core makes none. */
export interface Given {
  /** Milliseconds since 1970, of the database's clock. */
  at: number;
  /** In [0, 1). */
  random: () => number;
  newRunId: () => string;
  /** A UUIDv7 of something else of the run. */
  newId: () => string;
}

/**
 * What an event led to. `outcome`: `taken`, it changed the run; `known`, it was recorded before (an acknowledgement was lost: give
 * it again); `stale`, it speaks of an attempt that another has replaced, or of a run that has ended (refuse it).
 */
export interface Turn {
  outcome: 'taken' | 'known' | 'stale';
  transitions: Transition[];
  effects: Effect[];
}

interface Work extends Turn {
  state: RunState;
  given: Given;
  /** Steps whose needs have ended; handled in order, so that a chain of values does not deepen the stack. */
  ready: number[];
  /** Steps whose items are being begun: those that end at once do not deepen it either. */
  filling: Set<number>;
}

/**
 * `(state, event) → (state', transitions, effects)`. The state is handed over and becomes state' in place; applying the transitions
 * to a copy of it gives the same. An event that means nothing any more (a timer of an attempt that has ended) changes nothing.
 */
export function decide(state: RunState, event: RunEvent, given: Given): Turn {
  const work: Work = { outcome: 'stale', transitions: [], effects: [], state, given, ready: [], filling: new Set() };
  if (event.type === 'start' ? state.status !== 'created' : state.status !== 'running') return answerEnded(work, event);
  switch (event.type) {
    case 'start':
      record(work, {
        t: 'started',
        at: given.at,
        input: event.input,
        depth: event.depth,
        timeoutMs: Math.min(event.timeoutMs ?? Infinity, state.graph.timeoutMs),
        ...(event.parent !== undefined && { parent: event.parent }),
      });
      for (const kept of event.kept ?? []) record(work, { ...kept, at: given.at });
      for (let s = 0; s < state.graph.steps.length; s++) beginOrGoOn(work, s);
      if (event.depth > bounds.depth) {
        end(work, 'failed', 'limited', {
          code: 'limited',
          isFinal: true,
          detail: `workflows start workflows more than ${bounds.depth} deep here`,
          next: 'Find the workflow that starts itself, or flatten the chain.',
        });
      }
      break;
    case 'taken':
      record(work, { t: 'taken', at: given.at, epoch: event.epoch });
      break;
    case 'accepted': {
      const unit = openUnit(work, event);
      if (unit === undefined) return work;
      if (unit.status === 'running') {
        work.outcome = unit.instance === event.instance ? 'known' : 'stale';
        return work;
      }
      record(work, { t: 'began', at: given.at, s: event.s, i: event.i, n: event.n, instance: event.instance });
      break;
    }
    case 'completed': {
      const unit = openUnit(work, event);
      if (unit === undefined) {
        if (isReported(unitOf(state, event.s, event.i), event.n)) work.outcome = 'known';
        return work;
      }
      work.effects.push({ e: 'attemptEnded', isCancelled: false, s: event.s, i: event.i, n: event.n });
      if (event.error !== undefined) fail(work, event, unit, event.error, false, event.usage);
      else succeed(work, event, event.output ?? null, event.usage);
      break;
    }
    case 'lost': {
      const unit = openUnit(work, event);
      if (unit === undefined) return work;
      work.effects.push({ e: 'attemptEnded', isCancelled: true, s: event.s, i: event.i, n: event.n });
      fail(work, event, unit, event.error, true);
      break;
    }
    case 'due':
      if (!onTimer(work, event)) return work;
      break;
    case 'childEnded': {
      const unit = unitOf(state, event.s, event.i);
      if (unit === undefined || unit.child !== event.child) return work;
      if (isOver(unit.status)) {
        work.outcome = 'known';
        return work;
      }
      const ref = { s: event.s, i: event.i, n: unit.attempt };
      if (event.error !== undefined) fail(work, ref, unit, event.error, false);
      else succeed(work, ref, event.output ?? null);
      break;
    }
    case 'signal':
      if (state.signals.ids.has(event.id)) {
        work.outcome = 'known';
        return work;
      }
      if (state.signals.ids.size >= bounds.signals) return work;
      signal(work, event);
      break;
    case 'answer': {
      const verdict = verdictOn(state, event, given.at);
      if (verdict !== 'take') {
        work.outcome = verdict === 'known' ? 'known' : 'stale';
        return work;
      }
      const { approved, by, data, comment } = event;
      answered(work, event, { at: given.at, approved, by: { id: by.id, name: by.name }, data, comment });
      break;
    }
    case 'cancel':
      end(work, 'cancelled', `cancelled by ${event.by}`);
      break;
  }
  work.outcome = 'taken';
  settle(work);
  return work;
}

/** At the start of a run, which may have been forked with some of its steps done and some items of others. */
function beginOrGoOn(work: Work, s: number): void {
  const step = work.state.steps[s] as StepState;
  if (step.missing === 0 && step.status === 'pending') work.ready.push(s);
  else if (step.status === 'open') fill(work, s);
}

/** The input of a unit's task or child run, computed from recorded outputs. Throws `ExpressionError`. */
export function inputOf(state: RunState, s: number, i: number): Json {
  const step = state.graph.steps[s] as GraphStep;
  const value = step.input(scopeOf(state, s, i));
  if (sizeOf(value, bounds.outputBytes) > bounds.outputBytes) {
    throw new ExpressionError(`the input of ${step.key} is larger than ${bounds.outputBytes} bytes`, `/spec/steps/${step.key}`, 'limited');
  }
  return value;
}

/** The agent, tool, workflow or artifact of a unit: the step's own, or the fallback that took over. */
export function targetOf(state: RunState, s: number, i: number): string {
  return unitOf(state, s, i)?.agent ?? (state.graph.steps[s] as GraphStep).target;
}

function answerEnded(work: Work, event: RunEvent): Turn {
  const { state } = work;
  if (event.type === 'start') work.outcome = 'known';
  else if (event.type === 'cancel' && state.status === 'cancelled') work.outcome = 'known';
  else if (event.type === 'signal' && state.signals.ids.has(event.id)) work.outcome = 'known';
  else if (event.type === 'answer' && verdictOn(state, event, work.given.at) === 'known') work.outcome = 'known';
  else if (event.type === 'completed' && isReported(unitOf(state, event.s, event.i), event.n)) work.outcome = 'known';
  else if (event.type === 'childEnded' && unitOf(state, event.s, event.i)?.child === event.child) work.outcome = 'known';
  return work;
}

function record(work: Work, transition: Transition): void {
  work.transitions.push(transition);
  applyTransition(work.state, transition);
}

function openUnit({ state }: Work, { s, i, n }: AttemptRef): UnitState | undefined {
  const unit = unitOf(state, s, i);
  return unit !== undefined && unit.attempt === n && (unit.status === 'queued' || unit.status === 'running') ? unit : undefined;
}

/** Whether the end of attempt `n` was reported and recorded, so that the same report may be acknowledged again. */
function isReported(unit: UnitState | undefined, n: number): boolean {
  if (unit === undefined) return false;
  if (unit.attempt === n && (unit.status === 'succeeded' || (unit.status === 'failed' && !unit.isLost))) return true;
  return unit.attempts?.some((attempt) => attempt.n === n && !attempt.isLost) ?? false;
}

function onTimer(work: Work, event: RunEvent & { type: 'due' }): boolean {
  const { state, given } = work;
  if (event.timer === 'run') {
    if (given.at < state.startedAt + state.timeoutMs) return false;
    end(work, 'failed', 'timeout', {
      code: 'timeout',
      detail: `the run took longer than its timeout of ${state.timeoutMs} ms`,
      next: 'Raise the timeout of the workflow, or look at what its slowest step waits for.',
    });
    return true;
  }
  const unit = unitOf(state, event.s, event.i);
  if (unit === undefined || unit.attempt !== event.n) return false;
  const { kind, timeoutMs } = state.graph.steps[event.s] as GraphStep;
  if (event.timer === 'wake') {
    if (unit.status !== 'waiting' || unit.due === undefined || given.at < unit.due) return false;
    if (unit.approval !== undefined) approvalDue(work, event, unit.approval);
    else if (kind !== 'wait') attempt(work, event.s, event.i, event.n + 1);
    else if (unit.signal === undefined) succeed(work, event, null);
    else failAtOnce(work, event.s, event.i, notSignalled(unit.signal), event.n);
    return true;
  }
  if (unit.status !== 'running' || given.at < (unit.startedAt ?? 0) + timeoutMs) return false;
  work.effects.push({ e: 'attemptEnded', isCancelled: true, s: event.s, i: event.i, n: event.n });
  const detail = `attempt ${event.n} took longer than its timeout of ${timeoutMs} ms`;
  fail(work, event, unit, { code: 'timeout', detail, next: 'Raise the timeout of the step, or make its work smaller.' }, true);
  return true;
}

/** What an answer to a step's approval means; `closed` where nothing was asked. */
export function verdictOn(state: RunState, event: RunEvent & { type: 'answer' }, at: number): ReturnType<typeof judge> {
  const step = state.graph.steps[event.s];
  return step?.kind === 'approval' ? judge(unitOf(state, event.s, event.i), policyOf(step), event, at) : 'closed';
}

/** Asks people, and is told when to ask more of them and when it is too late. */
function beginApproval(work: Work, s: number, i: number, value: Json): void {
  const { state, given } = work;
  const pointer = `/spec/steps/${(state.graph.steps[s] as GraphStep).key}/approval`;
  const ask = guarded(() => askOf(value, given.at, pointer));
  if ('error' in ask) return failAtOnce(work, s, i, ask.error);
  record(work, { t: 'asks', at: given.at, s, i, n: 1, id: given.newId(), ask: ask.value });
  wakeAtDue(work, { s, i, n: 1 });
}

function answered(work: Work, { s, i, n }: AttemptRef, answer: Answer): void {
  record(work, { t: 'answered', s, i, n, ...answer });
  const result = resultOf(answer, policyOf(work.state.graph.steps[s] as GraphStep));
  if ('output' in result) succeed(work, { s, i, n }, result.output);
  else failAtOnce(work, s, i, result.error, n);
}

/** More people are asked, or the deadline is the answer. */
function approvalDue(work: Work, { s, i, n }: AttemptRef, approval: Approval): void {
  const { at } = work.given;
  if (at < (approval.deadline ?? Infinity)) {
    record(work, { t: 'escalated', at, s, i, n, level: levelAt(approval, at) });
    return wakeAtDue(work, { s, i, n });
  }
  const { onDeadline } = policyOf(work.state.graph.steps[s] as GraphStep);
  if (onDeadline === 'fail') failAtOnce(work, s, i, expired, n);
  else answered(work, { s, i, n }, { at, approved: onDeadline === 'approve', by: null, data: null, comment: null });
}

function wakeAtDue({ state, effects }: Work, { s, i, n }: AttemptRef): void {
  const due = unitOf(state, s, i)?.due;
  if (due !== undefined) effects.push({ e: 'wakeAt', s, i, n, due });
}

function notSignalled(name: string): Failure {
  return { code: 'timeout', detail: `the signal ${name} did not come in time`, next: 'Send it earlier, or let the step wait longer.' };
}

/** Gives a signal to the step that has waited for it longest in the order of the workflow, or keeps it for the next that will. */
function signal(work: Work, { id, hash, name, data }: RunEvent & { type: 'signal' }): void {
  const { state, given } = work;
  record(work, { t: 'signalled', at: given.at, id, hash, name, data });
  for (let s = 0; s < state.steps.length; s++) {
    const step = state.steps[s] as StepState;
    if (step.status !== 'open' || (state.graph.steps[s] as GraphStep).kind !== 'wait') continue;
    const index = step.units.findIndex((unit) => unit.status === 'waiting' && unit.signal === name);
    if (index < 0) continue;
    const [first = null] = state.signals.open.get(name) ?? [];
    return succeed(work, { s, i: step.isFanned ? index : -1, n: 1 }, first);
  }
}

function succeed(work: Work, { s, i, n }: AttemptRef, output: Json, usage?: Usage): void {
  record(work, { t: 'succeeded', at: work.given.at, s, i, n, output, ...(usage !== undefined && { usage }) });
  afterUnit(work, s);
}

function fail(work: Work, ref: AttemptRef, unit: UnitState, error: Failure, isLost: boolean, usage?: Usage): void {
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

/** A unit has failed for good: so has the run, unless the step lets it go on. */
function afterFailure(work: Work, s: number, i: number, error: Failure): void {
  if (work.state.graph.steps[s]?.onError === 'continue') return afterUnit(work, s);
  const key = keyOf(work.state, s, i);
  const code = error.code;
  end(work, 'failed', code === 'limited' || code === 'timeout' || code === 'rejected' ? code : 'failed', {
    ...error,
    detail: `${key}: ${error.detail}`,
  });
}

/** `analyse`, or `analyse[3]` for an item. */
export function keyOf(state: RunState, s: number, i: number): string {
  const { key } = state.graph.steps[s] as GraphStep;
  return i < 0 ? key : `${key}[${i}]`;
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

/** Begins what is ready until nothing is, then ends the run if every step has ended. */
function settle(work: Work): void {
  const { state } = work;
  for (let next = 0; next < work.ready.length && state.status === 'running'; next++) begin(work, work.ready[next] as number);
  if (state.status !== 'running' || state.left > 0) return;
  const output = guarded(() => bounded(state.graph.output(state.scope), '/spec/outputs'));
  if ('error' in output) end(work, 'failed', output.error.code === 'limited' ? 'limited' : 'failed', output.error);
  else end(work, 'succeeded', null, undefined, output.value);
}

function begin(work: Work, s: number): void {
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
function fill(work: Work, s: number): void {
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

/** Sends a unit's work out: a task to an executor, or a child run. A wait and an approval send nothing. */
function attempt(work: Work, s: number, i: number, n: number): void {
  const { state, given, effects } = work;
  const step = state.graph.steps[s] as GraphStep;
  // Computed before it is queued, so that an expression that fails ends the step instead of being sent.
  const input = guarded(() => inputOf(state, s, i));
  if ('error' in input) return failAtOnce(work, s, i, input.error, n);
  if (step.kind === 'wait') return beginWait(work, s, i, input.value);
  if (step.kind === 'approval') return beginApproval(work, s, i, input.value);
  if (step.kind === 'workflow') {
    const run = given.newRunId();
    record(work, { t: 'child', at: given.at, s, i, n, run });
    effects.push({ e: 'startChild', s, i, run, workflow: targetOf(state, s, i), input: input.value, depth: state.depth + 1 });
  } else {
    record(work, { t: 'queued', at: given.at, s, i, n });
    effects.push({ e: 'dispatch', s, i, n, input: input.value });
  }
}

/** Fails a unit by what no policy tries again: an error of its own expressions, a signal that did not come. */
function failAtOnce(work: Work, s: number, i: number, error: Failure, n = 0): void {
  record(work, { t: 'failed', at: work.given.at, s, i, n, error });
  afterFailure(work, s, i, error);
}

function end(work: Work, status: 'succeeded' | 'failed' | 'cancelled', reason: string | null, error?: Failure, output?: Json): void {
  const { state, effects } = work;
  if (hasEnded(state)) return;
  if (status !== 'succeeded') {
    state.steps.forEach((step, s) => {
      if (step.status === 'pending' || step.units.length === 0) return;
      step.units.forEach((unit, index) => {
        const i = step.isFanned ? index : -1;
        if (unit.status === 'queued' || unit.status === 'running')
          effects.push({ e: 'attemptEnded', isCancelled: true, s, i, n: unit.attempt });
        else if (unit.status === 'waiting' && unit.child !== undefined) effects.push({ e: 'cancelChild', run: unit.child });
      });
    });
  }
  record(work, {
    t: 'ended',
    at: work.given.at,
    status,
    reason,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
  });
  effects.push({ e: 'ended' });
}

function scopeOf(state: RunState, s: number, i: number): Scope {
  if (i < 0) return state.scope;
  const step = state.steps[s] as StepState;
  step.items ??= (state.graph.steps[s] as GraphStep).items?.(state.scope) ?? [];
  return { ...state.scope, item: step.items[i] ?? null, index: i };
}

function bounded(value: Json, pointer: string): Json {
  if (sizeOf(value, bounds.outputBytes) <= bounds.outputBytes) return value;
  throw new ExpressionError(`what this gives is larger than ${bounds.outputBytes} bytes`, pointer, 'limited');
}

/** The value, or as a failure why an expression has none. */
export function guarded<T>(compute: () => T): { value: T } | { error: Failure } {
  try {
    return { value: compute() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const next = 'Correct the expression in the workflow and apply it again.';
    return { error: { code: error.code, isFinal: true, detail: `${error.pointer}: ${error.message}`, next } };
  }
}
