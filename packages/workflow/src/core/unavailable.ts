import type { Failure } from './events.ts';
import type { GraphStep } from './graph.ts';
import { keyOf } from './scope.ts';
import type { RunState } from './state.ts';

/** Of more steps than this a run's reason says how many there are. */
const namesMax = 5;

/** Whether a failure for good says that nobody could do the step, and the step says what stands in then. */
export function mayDegrade({ unavailable }: GraphStep, { code, isFinal }: Failure): boolean {
  return unavailable !== undefined && isFinal !== true && (code === 'unavailable' || code === 'not_found');
}

/** What of a run is not what an agent gave but stands in for it, the first `max` of it. */
export function degradedOf(state: RunState, max: number): { key: string; error: Failure }[] {
  const found: { key: string; error: Failure }[] = [];
  if (state.degraded === 0) return found;
  for (const [s, { isFanned, units }] of state.steps.entries()) {
    for (const [index, { degraded }] of units.entries()) {
      if (degraded === undefined) continue;
      if (found.length === max) return found;
      found.push({ key: keyOf(state, s, isFanned ? index : -1), error: degraded });
    }
  }
  return found;
}

/** Why a run that succeeded is not what it could have been; null where it is. */
export function degradedReason(state: RunState): string | null {
  if (state.degraded === 0) return null;
  const names = degradedOf(state, namesMax).map(({ key }) => key);
  const more = state.degraded > names.length ? ` and ${state.degraded - names.length} more` : '';
  return `degraded: ${names.join(', ')}${more}`;
}
