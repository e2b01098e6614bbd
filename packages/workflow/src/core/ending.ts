import type { Failure } from './events.ts';
import { isReady } from './gate.ts';
import type { Json } from './json.ts';
import { enteringReason, isEntering } from './limits.ts';
import { keyOf } from './scope.ts';
import { hasEnded, hasToUndo, isToUndo, unitOf, type Ending, type RunState, type StepState } from './state.ts';
import { record, type Work } from './turn.ts';
import { degradedReason } from './unavailable.ts';

type EndStatus = Ending['status'];

/** How a run came to its end. */
export interface End {
  status: EndStatus;
  reason: string | null;
  error?: Failure | undefined;
  output?: Json | undefined;
  /** The id of the cancel that it was. */
  cancel?: string | undefined;
}

/** Names of what could not be undone that a run's reason holds; `notUndone` has all. */
const namesMax = 5;

/** Ends the main graph: what is open is cancelled; then what was done is undone, then `finally` runs, as far as the workflow says so. */
export function end(work: Work, { status, reason, error, output, cancel }: End): void {
  const { state, given } = work;
  if (hasEnded(state) || state.ending !== undefined) return;
  cancelOpen(work);
  const how = { status, reason, ...(output !== undefined && { output }), ...(error !== undefined && { error }) };
  // Of a run that never began there is nothing to undo or to tidy up.
  if (isEntering(state) || (!mustUndo(state, status) && state.graph.finally === undefined)) return finish(work, how);
  record(work, { t: 'ending', at: given.at, ...how, ...(cancel !== undefined && { cancel }) });
  advance(work);
}

/** Ends the run without anything that could follow. */
export function endAtOnce(work: Work, how: End): void {
  cancelOpen(work);
  finish(work, how);
}

/** Goes on to what follows in a run that ends: undoing, `finally`, the end. */
export function advance(work: Work): void {
  const { state } = work;
  const { stage, status } = state.ending as Ending;
  cancelOpen(work);
  if (stage === undefined && mustUndo(state, status)) enter(work, 'undo');
  else if (stage !== 'finally' && state.graph.finally !== undefined) enter(work, 'finally');
  else conclude(work);
}

function enter(work: Work, stage: 'undo' | 'finally'): void {
  const { state, given, effects, ready } = work;
  record(work, { t: 'entered', at: given.at, stage });
  effects.push({ e: 'watch' });
  state.graph.steps.forEach(({ part }, s) => {
    if (part === stage && isReady(state, s)) ready.push(s);
  });
}

/** Ends a run whose main graph ended before. `late`: why its last stage was not waited for. `by`: who did not wait. */
export function conclude(work: Work, late?: Failure, by?: string): void {
  const { state } = work;
  const { status, reason, error, output } = state.ending as Ending;
  cancelOpen(work);
  const left = notUndone(state);
  const failure = late ?? failureOfFinally(state) ?? failureOfUndoing(left);
  if (failure !== undefined) {
    const names = left.slice(0, namesMax).map(({ key }) => key);
    const more = left.length > namesMax ? ` and ${left.length - namesMax} more` : '';
    const why = left.length > 0 ? `not undone: ${names.join(', ')}${more}` : status === 'failed' ? reason : 'failed';
    return finish(work, { status: 'failed', reason: why, error: error ?? failure });
  }
  if (by !== undefined && status === 'succeeded') return finish(work, { status: 'cancelled', reason: `cancelled by ${by}` });
  finish(work, { status, reason, ...(output !== undefined && { output }), ...(error !== undefined && { error }) });
}

function finish(work: Work, { status, reason: given, output, error }: End): void {
  const reason = status === 'succeeded' ? (given ?? degradedReason(work.state)) : given;
  record(work, {
    t: 'ended',
    at: work.given.at,
    status,
    reason,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
  });
  work.effects.push({ e: 'ended' });
}

/** Tells whoever works on something that nobody wants it any more. */
function cancelOpen({ state, effects }: Work): void {
  state.steps.forEach((step, s) => cancelUnits(state, step, s, effects));
}

/** The same for one step. */
export function cancelUnits(state: RunState, step: StepState, s: number, effects: Work['effects']): void {
  if (step.open === 0) return;
  step.units.forEach((unit, index) => {
    const i = step.isFanned ? index : -1;
    if (unit.status === 'queued' || unit.status === 'running')
      effects.push({ e: 'attemptEnded', isCancelled: true, s, i, n: unit.attempt });
    else if (unit.status === 'waiting' && unit.child !== undefined) effects.push({ e: 'cancelChild', run: unit.child });
  });
}

function mustUndo(state: RunState, status: EndStatus): boolean {
  const { undo, steps } = state.graph;
  if (undo === undefined || status === 'succeeded' || !undo.on.includes(status)) return false;
  return steps.some(({ undoes }) => undoes !== undefined && hasToUndo(state, undoes));
}

function failureOfUndoing([first]: ReturnType<typeof notUndone>): Failure | undefined {
  return first && { ...first.error, detail: `${first.key} could not be undone: ${first.error.detail}` };
}

/** The first step of `finally` that failed and may not. */
function failureOfFinally(state: RunState): Failure | undefined {
  for (const [s, { part, onError, maxFailures }] of state.graph.steps.entries()) {
    const step = state.steps[s] as StepState;
    if (part !== 'finally' || onError === 'continue' || step.failures === 0) continue;
    if ((maxFailures !== undefined || step.grown !== undefined) && step.status === 'succeeded') continue;
    const index = step.units.findIndex(({ error }) => error !== undefined);
    const error = step.units[index]?.error;
    if (error !== undefined) return { ...error, detail: `${keyOf(state, s, step.isFanned ? index : -1)}: ${error.detail}` };
  }
  return undefined;
}

/** What a run that has come to undoing has not undone, and why not. */
export function notUndone(state: RunState): { key: string; error: Failure }[] {
  if (state.ending?.isUndone !== true) return [];
  return state.graph.steps.flatMap(({ undoes }, s) => {
    if (undoes === undefined) return [];
    const done = state.steps[undoes] as StepState;
    return done.units.flatMap((_, index) => {
      const i = done.isFanned ? index : -1;
      const undo = unitOf(state, s, i);
      if (!isToUndo(state, undoes, i) || undo?.status === 'succeeded') return [];
      const key = keyOf(state, undoes, i);
      const error = undo?.error ?? { code: 'timeout', detail: 'there was no time left to undo it', next: 'Undo it by hand.' };
      return [{ key, error }];
    });
  });
}

/** When the run, its wait for places or the stage that it ends with, has taken too long. */
export function runDue({ startedAt, admittedAt = startedAt, timeoutMs, ending, graph }: RunState): number {
  if (ending?.stage === undefined) return admittedAt + timeoutMs;
  return ending.since + ((ending.stage === 'undo' ? graph.undo : graph.finally)?.timeoutMs ?? 0);
}

/** The run has taken too long: its main graph fails, undoing gives way to `finally`, and `finally` ends. */
export function onRunTimer(work: Work): boolean {
  const { state, given } = work;
  if (given.at < runDue(state)) return false;
  if (isEntering(state)) {
    const detail = `the run waited longer than its timeout of ${state.timeoutMs} ms: it ${enteringReason(state)}`;
    const next = 'Raise the limit or the timeout of the workflow, or start fewer runs.';
    end(work, { status: 'failed', reason: 'timeout', error: { code: 'timeout', detail, next } });
  } else if (state.ending === undefined) {
    end(work, {
      status: 'failed',
      reason: 'timeout',
      error: {
        code: 'timeout',
        detail:
          state.timeoutMs === state.budget?.timeMs
            ? `budget.time: the run took longer than ${state.timeoutMs} ms`
            : `the run took longer than its timeout of ${state.timeoutMs} ms`,
        next: 'Raise the timeout of the workflow, or look at what its slowest step waits for.',
      },
    });
  } else if (state.ending.stage === 'undo') advance(work);
  else {
    const ms = state.graph.finally?.timeoutMs ?? 0;
    conclude(work, {
      code: 'timeout',
      detail: `the steps of finally took longer than their timeout of ${ms} ms`,
      next: 'Raise finallyTimeout, or make those steps shorter.',
    });
  }
  return true;
}
