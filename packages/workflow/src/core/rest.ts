import { deadlinesOf } from './deadlines.ts';
import { runDue } from './ending.ts';
import { isWaiting } from './progress.ts';
import { isAbove } from './spending.ts';
import type { RunState, UnitState } from './state.ts';

/** What a run that only waits waits for. */
export interface Rest {
  /** When its earliest timer is due. */
  due: number;
  /** Child runs whose ends it waits for. */
  children: string[];
}

/** What a run waits for that does nothing else; undefined while something of it is queued, under way, or asks for another agent or for more of a budget. */
export function restOf(state: RunState): Rest | undefined {
  if (!isWaiting(state)) return undefined;
  if (state.steps.some(({ status, units }) => status === 'open' && units.some(isAsking))) return undefined;
  const rest: Rest = { due: runDue(state), children: [] };
  state.steps.forEach((step, s) => {
    if (step.status !== 'open') return;
    step.units.forEach((unit, index) => {
      if (unit.status !== 'waiting') return;
      if (unit.child !== undefined) rest.children.push(unit.child);
      if (unit.due !== undefined) rest.due = Math.min(rest.due, unit.due);
      for (const effect of deadlinesOf(state, s, step.isFanned ? index : -1))
        if (effect.e === 'wakeAt') rest.due = Math.min(rest.due, effect.due);
    });
  });
  return rest;
}

function isAsking({ isSeeking, short }: UnitState): boolean {
  return isSeeking || (short !== undefined && isAbove(short));
}
