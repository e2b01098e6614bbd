import { blue, dim, green, join, red, yellow } from '../text/styled.ts';
import type { Styled, Text } from '../text/styled.ts';

type Paint = (text: Text) => Styled;

/** Each state has a shape, a colour and its word, so that no one of them is needed alone. */
const lamps: Record<string, readonly [shape: string, paint: Paint]> = {
  done: ['✔', green],
  healthy: ['✔', green],
  succeeded: ['✔', green],
  completed: ['✔', green],
  up: ['✔', green],
  live: ['✔', green],
  active: ['◐', blue],
  running: ['◐', blue],
  starting: ['◐', blue],
  begun: ['◐', blue],
  ready: ['▷', green],
  started: ['▷', green],
  approved: ['✔', green],
  open: ['‖', yellow],
  waiting: ['‖', yellow],
  queued: ['‖', yellow],
  paused: ['‖', yellow],
  progressing: ['◐', blue],
  promoted: ['✔', green],
  'rolled-back': ['✖', red],
  draining: ['‖', yellow],
  degraded: ['▲', yellow],
  failed: ['✖', red],
  rejected: ['✖', red],
  expired: ['✖', red],
  down: ['✖', red],
  isolated: ['✖', red],
  'given-up': ['✖', red],
  trial: ['◐', blue],
  acknowledged: ['◐', blue],
  resolved: ['✔', green],
  sent: ['✔', green],
  dead: ['✖', red],
  cancelled: ['◼', yellow],
  skipped: ['–', dim],
  ended: ['–', dim],
  withdrawn: ['–', dim],
  superseded: ['–', dim],
};

/** The shape of a state, coloured. */
export function lamp(state: string): Styled {
  const [shape, paint] = lamps[state] ?? ['○', dim];
  return paint(shape);
}

/** Shape and word of a state. */
export function state(word: string): Styled {
  const [, paint] = lamps[word] ?? ['○', dim];
  return join([lamp(word), ' ', paint(word)]);
}
