import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { recommend, remember, settle, type Look } from './scale.ts';

const spec = { min: 1, max: 8 };

test('tasks, waiting and in hand, are shared out by what one process should have', () => {
  expect(recommend(spec, 2, { waiting: 7, running: 2, oldestMs: 100 }, 1)).toEqual({
    wanted: 5,
    because: '7 wait and 2 are in hand, at 2 a process',
  });
  expect(recommend({ ...spec, targetQueue: 10 }, 2, { waiting: 7, running: 2, oldestMs: 100 }, 1).wanted).toBe(1);
  expect(recommend(spec, 1, { waiting: 0, running: 0, oldestMs: 0 }, 3).because).toMatch(/fewer than 1 there may not be$/);
  expect(recommend(spec, 1, { waiting: 40, running: 0, oldestMs: 0 }, 3)).toMatchObject({
    wanted: 8,
    because: expect.stringMatching(/more than 8/),
  });
});

test('a task that waits too long asks for more than there are, at most for twice as many', () => {
  const late = { ...spec, targetQueue: 100, targetLatencyMs: 1_000 };
  expect(recommend(late, 1, { waiting: 3, running: 3, oldestMs: 900 }, 3).wanted).toBe(1);
  expect(recommend(late, 1, { waiting: 3, running: 3, oldestMs: 1_100 }, 3)).toMatchObject({
    wanted: 4,
    because: 'a task has waited for 1.1 s, longer than 1.0 s',
  });
  expect(recommend(late, 1, { waiting: 3, running: 3, oldestMs: 60_000 }, 3).wanted).toBe(6);
});

const windows = { ...spec, upAfterMs: 3_000, downAfterMs: 10_000 };
/** Looks a second apart. */
const looks = (...wanted: number[]): Look[] => wanted.map((each, index) => ({ at: index * 1_000, wanted: each, because: `${each}` }));

test('a moment changes nothing; what lasts does, by as much as all looks agree on', () => {
  expect(settle(windows, looks(1, 1, 1, 8), 1)).toBeNull();
  expect(settle(windows, looks(5, 4), 1)).toBeNull();
  expect(settle(windows, looks(1, 5, 4, 6, 8), 1)).toMatchObject({ wanted: 4 });
  expect(settle(windows, looks(6, 1, 1, 1, 1, 1, 1, 1, 1, 1), 6)).toBeNull();
  expect(settle(windows, looks(6, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1), 6)).toMatchObject({ wanted: 2 });
  expect(settle({ ...spec, upAfterMs: 0, downAfterMs: 0 }, looks(3), 1)).toMatchObject({ wanted: 3 });
});

test('it stays within its bounds and does not flap: up and down do not both happen within the shorter window', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12), { minLength: 1, maxLength: 200 }), (queues) => {
      let current = 1;
      let kept: Look[] = [];
      let lastUp = -Infinity;
      for (const [index, waiting] of queues.entries()) {
        const at = index * 1_000;
        kept = remember(windows, kept, { at, ...recommend(windows, 1, { waiting, running: 0, oldestMs: 0 }, current) });
        const next = settle(windows, kept, current);
        if (next === null) continue;
        expect(next.wanted).toBeGreaterThanOrEqual(spec.min);
        expect(next.wanted).toBeLessThanOrEqual(spec.max);
        if (next.wanted > current) lastUp = at;
        // What asked for more has to have gone for all of the longer window.
        else expect(at - lastUp).toBeGreaterThanOrEqual(windows.downAfterMs - windows.upAfterMs);
        current = next.wanted;
      }
      expect(kept.length).toBeLessThanOrEqual(13);
    }),
  );
});
