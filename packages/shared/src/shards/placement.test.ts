import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { placement } from './placement.ts';

const replicas = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 8 });

test('each shard belongs with one of the replicas, whoever asks and in whatever order it knows them', () => {
  fc.assert(
    fc.property(replicas, (some) => {
      const places = placement(some);
      expect(places).toHaveLength(256);
      expect(places.every((place) => some.includes(place as string))).toBe(true);
      expect(placement(some.toReversed())).toEqual(places);
    }),
    { numRuns: 20 },
  );
});

test('a replica that goes moves its own shards alone', () => {
  fc.assert(
    fc.property(replicas, (some) => {
      const [gone, ...rest] = some;
      const [before, after] = [placement(some), placement(rest)];
      before.forEach((place, shard) => {
        if (place !== gone) expect(after[shard]).toBe(place);
      });
    }),
    { numRuns: 20 },
  );
});

test('nobody has twice its part, or less than half of it', () => {
  for (let seed = 0; seed < 20; seed++) {
    const places = placement(['a', 'b', 'c'].map((name) => `${name}${seed}`));
    for (const replica of new Set(places)) {
      const share = places.filter((place) => place === replica).length;
      expect(share).toBeGreaterThan(43);
      expect(share).toBeLessThan(170);
    }
  }
});
