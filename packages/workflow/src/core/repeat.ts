import type { Failure } from './events.ts';
import type { GraphStep, Scope, Template, TurnSaid } from './graph.ts';
import type { Json } from './json.ts';
import { speakersMax, stallOf, type Stall } from './no-progress.ts';
import type { RunState, StepState } from './state.ts';

/** How a step that is done in turns came to its end. */
export type RepeatEnd = 'until' | 'turns' | 'no_progress';

/** What the workflow says of a step that is done in turns, one after another. */
export interface RepeatPolicy {
  maxTurns: number;
  /** Asked after each turn. Without it the step takes `maxTurns` turns. */
  until?: (scope: Scope) => boolean;
  /** `of`: what of a turn is compared; its output if absent. */
  noProgress?: Stall & { of?: Template };
  /** What follows when `until` is not true after all turns, or the last ones were no progress. */
  onLimit: 'fail' | 'continue';
}

/** What the expressions of turn `i` see beside all else: the turns before it. */
export function turnScope(step: GraphStep, state: StepState, i: number): { index: number; turns: TurnSaid[]; last: Json } {
  const turns = turnsOf(step, state, i);
  return { index: i, turns, last: turns.at(-1)?.output ?? null };
}

/** What follows turn `i`, the last so far. Throws `ExpressionError`. */
export function afterTurn({ graph, steps, scope }: RunState, s: number, i: number): 'turn' | { end: RepeatEnd } | { fail: Failure } {
  const step = graph.steps[s] as GraphStep;
  const { maxTurns, until, noProgress, onLimit } = step.repeat as RepeatPolicy;
  const seen: Scope = { ...scope, ...turnScope(step, steps[s] as StepState, i + 1), index: i };
  if (until?.(seen) === true) return { end: 'until' };
  const stall = noProgress && stallOf(comparedOf(seen, noProgress), noProgress);
  if (stall !== undefined) {
    if (onLimit === 'continue') return { end: 'no_progress' };
    return limited(`no progress: ${stall}`, 'Tell the agents when they are done, or what else to do.');
  }
  if (i + 1 < maxTurns) return 'turn';
  if (until === undefined || onLimit === 'continue') return { end: 'turns' };
  return limited(`repeat.maxTurns: until is not true after ${maxTurns} turns`, 'Raise it, or make the task smaller.');
}

/** The output of a step whose turns have ended. */
export function outcomeOf(step: GraphStep, state: StepState, end: RepeatEnd): Json {
  const turns = turnsOf(step, state, state.units.length);
  return { last: turns.at(-1)?.output ?? null, turns: turns as unknown as Json[], end };
}

/** The first `end` turns; `agent` says whose each was. */
export function turnsOf({ kind, target }: GraphStep, { units }: StepState, end: number): TurnSaid[] {
  return units.slice(0, end).map(({ output = null, agent, chosen }) => ({
    ...(kind === 'agent' && { agent: agent ?? chosen ?? target }),
    output,
  }));
}

/** What is compared of the last turns: no more of them than can go in circles. */
function comparedOf(seen: Scope, { of, turns: count }: NonNullable<RepeatPolicy['noProgress']>): Json[] {
  const { turns = [] } = seen;
  const from = Math.max(0, turns.length - count * speakersMax);
  return turns.slice(from).map(({ output }, at) => {
    if (of === undefined) return output;
    return of({ ...seen, index: from + at, turns: turns.slice(0, from + at + 1), last: output });
  });
}

function limited(detail: string, next: string): { fail: Failure } {
  return { fail: { code: 'limited', isFinal: true, detail, next } };
}
