import { Fault } from '@signalbox/shared/errors/fault.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import type { UnitPlace } from './run-view.ts';

/** The step or item of a key: `analyse`, `analyse[3]`, `analyse.undo[3]`. */
export function placeOf(state: RunState, key: string): UnitPlace | undefined {
  const [, name, index] = /^([A-Za-z][\w-]*(?:\.undo)?)(?:\[(\d{1,6})\])?$/.exec(key) ?? [];
  const s = state.graph.steps.findIndex((step) => step.key === name);
  const step = state.steps[s];
  if (step === undefined) return undefined;
  const i = index === undefined ? -1 : Number(index);
  // A step whose items are not known yet, or that has none, stands for itself.
  if (i < 0) return { s, i };
  return step.isFanned && i < step.units.length ? { s, i } : undefined;
}

/** The run has no step of this key. */
export function unknownStep(key: string): Fault {
  return new Fault('not_found', `the run has no step ${key}`, 'Look at the steps of the run.');
}
