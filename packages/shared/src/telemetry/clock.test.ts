import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { now, readDatabaseClock, setClockOffset } from './clock.ts';

beforeEach(() => {
  jest.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  jest.useRealTimers();
  setClockOffset(0);
});

test('a slow answer of a database with the same clock moves nothing', () => {
  readDatabaseClock(1_000_000 - 9_000, 1_000_000 - 100, 1_000_000);
  readDatabaseClock(1_000_000 - 9_000, 1_000_000 - 8_900, 1_000_000);
  expect(now()).toBe(1_000_000);
});

test('a clock that is off is followed, as exactly as the answer was quick', () => {
  readDatabaseClock(1_000_000 - 4, 1_060_000 - 2, 1_000_000);
  expect(now()).toBe(1_060_000);
  readDatabaseClock(1_000_000 - 2_000, 1_060_000 - 1_900, 1_000_000);
  expect(now()).toBe(1_060_000);
  readDatabaseClock(1_000_000 - 4, 1_000_000 - 2, 1_000_000);
  expect(now()).toBe(1_000_000);
});
