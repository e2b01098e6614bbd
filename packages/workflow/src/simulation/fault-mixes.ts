import type { Faults } from './world.ts';

const calm: Faults = { crash: 0, zombie: 0, loss: 0, double: 0, failure: 0, death: 0 };

/** Everything at once. */
export const rough: Faults = { crash: 0.02, zombie: 0.4, loss: 0.1, double: 0.1, failure: 0.15, death: 0.05 };

/** What goes wrong in simulated schedules, by what it is called. */
export const faultMixes: readonly (readonly [string, Faults])[] = [
  ['nothing goes wrong', calm],
  ['owners die and are stopped at any moment', { ...calm, crash: 0.08, zombie: 0.5 }],
  ['messages are lost, late and doubled', { ...calm, loss: 0.3, double: 0.3 }],
  ['everything goes wrong at once', rough],
];
