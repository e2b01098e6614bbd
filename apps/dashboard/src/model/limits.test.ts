import type { Limit } from '@signalbox/sdk/client/limits.js';
import { expect, test } from '@jest/globals';
import { limitId, limitsSentence, rateText, runningText, shareTaken } from './limits.ts';

const limit: Limit = {
  kind: 'limit',
  name: 'tenant',
  key: 'ann',
  concurrency: 2,
  rate: { max: 60, perMs: 60_000, burst: 10, left: 3, nextAt: null },
  waiting: 3,
  running: 1,
  oldestAt: null,
  holders: [],
};

test('a limit says what it has and lets begin', () => {
  expect(limitId(limit)).toBe('limit:tenant/ann');
  expect(runningText(limit)).toBe('1 of 2');
  expect(runningText({ ...limit, concurrency: null })).toBe('1');
  expect([shareTaken(limit), shareTaken({ ...limit, running: 5 }), shareTaken({ ...limit, concurrency: null })]).toEqual([0.5, 1, null]);
  expect(rateText(limit.rate as NonNullable<Limit['rate']>)).toMatch(/^60 in .*, 10 at once$/);
});

test('the sentence says what waits, the share of the workspace, and what is missing', () => {
  expect(limitsSentence([], { running: 0, most: 336 }, 0)).toBe('Nothing waits for a place.');
  expect(limitsSentence([limit, { ...limit, waiting: 0 }], { running: 4, most: 336 }, 1)).toBe(
    '3 wait for a place, in 1 of 2 limits and queues. 4 calls of this workspace are under way, of 336 that it may have. One replica of execution did not answer: what is kept there is missing.',
  );
});
