import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BeatWheel } from './beat-wheel.ts';

const moments = fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 50 });

test('everybody comes out once, not before its moment and within a slot of it, however the clock goes on', () => {
  fc.assert(
    fc.property(moments, fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 30 }), (dues, steps) => {
      const start = 5_000;
      const wheel = new BeatWheel<{ dueAt: number }>(start);
      const waiting = new Set(dues.map((due) => ({ dueAt: start + due })));
      for (const item of waiting) wheel.add(item, item.dueAt);
      let now = start;
      for (const step of [...steps, ...Array.from({ length: 100 }, () => 4_000)]) {
        now += step;
        for (const item of wheel.due(now)) {
          if (item.dueAt > now) {
            wheel.add(item, item.dueAt);
            continue;
          }
          expect(waiting.delete(item)).toBe(true);
        }
        for (const item of waiting) expect(item.dueAt).toBeGreaterThan(now - 200);
      }
      expect(waiting.size).toBe(0);
    }),
    { numRuns: 50 },
  );
});
