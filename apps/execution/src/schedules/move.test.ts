import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextMove, offsetOf, onTimeMs } from './move.ts';
import { nextAfter, type Rhythm } from './rhythm.ts';

const minute = 60_000;
const hourly: Rhythm = { everyMs: 60 * minute, timeZone: 'UTC' };
const hour = (n: number): number => n * 60 * minute;

test('nothing is due before its time, and on its time it is that', () => {
  const catchUp = { windowMs: 0, max: 1 };
  expect(nextMove(hourly, catchUp, hour(5), hour(5) - 1)).toBeNull();
  expect(nextMove(hourly, catchUp, hour(5), hour(5))).toEqual({ fire: hour(5), missed: null });
  expect(nextMove(hourly, catchUp, hour(5), hour(5) + onTimeMs)).toEqual({ fire: hour(5), missed: null });
});

test('after a long absence the latest of the window are started, and what was before them is missed', () => {
  expect(nextMove(hourly, { windowMs: hour(3), max: 2 }, hour(5), hour(10) + minute)).toEqual({
    fire: hour(9),
    missed: { from: hour(5), to: hour(8) },
  });
  expect(nextMove(hourly, { windowMs: hour(1), max: 9 }, hour(5), hour(10) + minute)).toEqual({
    fire: hour(10),
    missed: { from: hour(5), to: hour(9) },
  });
  expect(nextMove(hourly, { windowMs: 0, max: 1 }, hour(5), hour(10) + 2 * minute)).toEqual({
    fire: null,
    missed: { from: hour(5), to: hour(10) },
  });
});

test('followed to its end it deals with every time once, in order, and starts no more than it may', () => {
  const cases = fc.record({
    away: fc.integer({ min: 0, max: 3_000 }),
    windowMs: fc.integer({ min: 0, max: hour(24) }),
    max: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(cases, ({ away, windowMs, max }) => {
      const at = hour(5) + away * minute;
      const fired: number[] = [];
      let next = hour(5);
      for (let move = nextMove(hourly, { windowMs, max }, next, at); move; move = nextMove(hourly, { windowMs, max }, next, at)) {
        if (move.missed) expect(move.missed.from).toBe(next);
        else fired.push(next);
        const then = move.missed ? (move.fire ?? nextAfter(hourly, move.missed.to)) : nextAfter(hourly, next);
        expect(then).toBeGreaterThan(next);
        next = then as number;
      }
      expect(next).toBeGreaterThan(at);
      expect(fired.length).toBeLessThanOrEqual(max);
      for (const time of fired) expect(at - time).toBeLessThanOrEqual(Math.max(windowMs, onTimeMs));
    }),
  );
});

test('a schedule is put off by the same time each time, and not by more than its jitter', () => {
  const id = '01934b5e-7a11-7c3a-9f00-89abcdef0123';
  expect(offsetOf(id, 0)).toBe(0);
  expect(offsetOf(id, 60_000)).toBe(offsetOf(id, 60_000));
  expect(offsetOf(id, 60_000)).toBeLessThanOrEqual(60_000);
});
