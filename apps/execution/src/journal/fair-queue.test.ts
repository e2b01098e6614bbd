import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairQueue } from './fair-queue.ts';

const pushes = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), id: fc.nat() }), { maxLength: 5_000 });

test('all comes out once, of each key in the order in which it came', () => {
  fc.assert(
    fc.property(pushes, (all) => {
      const queue = new FairQueue<{ key: string; id: number }>();
      for (const each of all) queue.push(each.key, each);
      expect(queue.size).toBe(all.length);
      const taken = Array.from({ length: all.length }, () => queue.take());
      expect(queue.take()).toBeUndefined();
      expect(queue.size).toBe(0);
      for (const key of ['a', 'b', 'c', 'd']) {
        expect(taken.filter((each) => each?.key === key)).toEqual(all.filter((each) => each.key === key));
      }
    }),
  );
});

test('who has little waits for one of each other, whatever those have', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 20 }), (heavy, others) => {
      const queue = new FairQueue<string>();
      for (let other = 0; other < others; other++) for (let item = 0; item < heavy; item++) queue.push(`heavy ${other}`, 'heavy');
      queue.push('quiet', 'quiet');
      const taken = Array.from({ length: others + 1 }, () => queue.take());
      expect(taken).toContain('quiet');
    }),
  );
});
