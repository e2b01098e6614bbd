import { applyTransition, type Graphs } from './apply.ts';
import { deadlinesOf } from './deadlines.ts';
import type { Effect, Transition } from './events.ts';
import type { Graph } from './graph.ts';
import { claimsOf, hasPlaces, isEntering } from './limits.ts';
import { guarded, inputOf } from './scope.ts';
import { isAbove } from './spending.ts';
import { isOver, newRun, type RunState } from './state.ts';
import { childOf } from './units.ts';

/** A run as its journal tells it: `graph` is what it began with, `graphs` has what it went over to (see `upgradesIn`). */
export function restore(run: string, graph: Graph, transitions: Iterable<Transition>, graphs?: Graphs): RunState {
  const state = newRun(run, graph);
  for (const transition of transitions) applyTransition(state, transition, graphs);
  return state;
}

/**
 * What a new owner has to do for a run it has loaded: everything that was due after the last commit and may or may not have been
 * done. Each is safe to do again: a task is known by its attempt, a child run by its id, a wait by its time.
 */
export function openEffects(state: RunState): Effect[] {
  if (state.status !== 'running') return [];
  const effects: Effect[] = [];
  if (isEntering(state)) return [{ e: 'enter', claims: state.claims, isIn: false }];
  if (hasPlaces(state)) effects.push({ e: 'enter', claims: state.claims, isIn: true });
  state.steps.forEach((step, s) => {
    if (step.status !== 'open') return;
    step.units.forEach((unit, index) => {
      const i = step.isFanned ? index : -1;
      const n = unit.attempt;
      if (unit.status === 'waiting' && unit.due !== undefined) effects.push({ e: 'wakeAt', timer: 'wake', s, i, n, due: unit.due });
      if (unit.isSeeking) effects.push({ e: 'seek', s, i, n });
      effects.push(...deadlinesOf(state, s, i));
      const { short } = unit;
      if (short !== undefined && isAbove(short)) effects.push({ e: 'wantBudget', scope: short.of, wants: short.wants });
      if (unit.status !== 'queued' && unit.status !== 'running' && unit.child === undefined) return;
      if (isOver(unit.status)) return;
      const input = guarded(() => inputOf(state, s, i));
      const claims = guarded(() => claimsOf(state, s, i));
      if ('error' in input) effects.push({ e: 'unsendable', s, i, n, error: input.error });
      else if ('error' in claims) effects.push({ e: 'unsendable', s, i, n, error: claims.error });
      else if (unit.child === undefined)
        effects.push({ e: 'dispatch', s, i, n, input: input.value, ...(claims.value.length > 0 && { claims: claims.value }) });
      else effects.push(childOf(state, s, i, unit.child, input.value));
    });
  });
  return effects;
}
