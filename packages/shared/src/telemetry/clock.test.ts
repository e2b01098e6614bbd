import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { now, processClock, readDatabaseClock, setClockOffset } from './clock.ts';

let at = 0;

beforeEach(() => {
  jest.useFakeTimers();
  at = processClock();
});
afterEach(() => {
  jest.useRealTimers();
  setClockOffset(0);
});

test('a slow answer of a database with the same clock moves nothing', () => {
  readDatabaseClock(at - 9_000, at - 100, at);
  readDatabaseClock(at - 9_000, at - 8_900, at);
  expect(now()).toBe(at);
});

test('a clock that is off is followed, as exactly as the answer was quick', () => {
  readDatabaseClock(at - 4, at + 60_000 - 2, at);
  expect(now()).toBe(at + 60_000);
  readDatabaseClock(at - 2_000, at + 60_000 - 1_900, at);
  expect(now()).toBe(at + 60_000);
  readDatabaseClock(at - 4, at - 2, at);
  expect(now()).toBe(at);
});

test('F11: the clock of the machine jumps by an hour, to and fro: time goes on evenly', () => {
  for (const hours of [1, -1]) {
    const before = now();
    jest.setSystemTime(Date.now() + hours * 3_600_000);
    expect(now()).toBe(before);
    jest.advanceTimersByTime(250);
    expect(now()).toBe(before + 250);
  }
});
