import { expect, test } from '@jest/globals';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { blameOf } from './request-kpis.ts';

test('of what fails, only what is ours is counted against us', () => {
  const away = new Fault('unavailable', 'execution is not running', 'Wait.', { service: 'execution' });
  expect(blameOf(away, 503)).toEqual({ isAway: true, isError: true });
  expect(blameOf(new Fault('internal', 'a bug', 'Report it.'), 500)).toEqual({ isAway: false, isError: true });
  for (const theirs of [
    new Fault('unavailable', 'calls to files are held back', 'Wait.'),
    new Fault('timeout', 'the model is late', 'Wait.', { service: 'model.test' }),
    new Fault('invalid', 'no', 'Correct it.'),
    new Fault('limited', 'too much', 'Wait.', { service: 'api-gateway' }),
  ]) {
    expect(blameOf(theirs, theirs.status)).toEqual({ isAway: false, isError: false });
  }
  expect([200, 404, 429].map((status) => blameOf(undefined, status).isError)).toEqual([false, false, false]);
  expect(blameOf(undefined, 504)).toEqual({ isAway: true, isError: true });
});
