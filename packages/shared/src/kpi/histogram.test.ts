import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addBuckets, bucketBounds, bucketOf, bucketsMax, countAbove, quantile } from './histogram.ts';

function histogramOf(values: readonly number[]): number[] {
  const buckets: number[] = [];
  for (const value of values) {
    const bucket = bucketOf(value);
    while (buckets.length <= bucket) buckets.push(0);
    buckets[bucket]! += 1;
  }
  return buckets;
}

const values = fc.array(fc.double({ min: 0.02, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });

describe('a histogram that can be merged', () => {
  test('has the bounds that people name', () => {
    for (const bound of [0.1, 2, 100, 1_000, 2_000]) expect(bucketBounds).toContain(bound);
    expect(bucketOf(100)).toBe(bucketBounds.indexOf(100));
    expect(bucketOf(100.1)).toBe(bucketBounds.indexOf(125));
    expect(bucketOf(1e12)).toBe(bucketsMax - 1);
  });

  test('merged, it is that of all values together', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const merged = histogramOf(a);
        addBuckets(merged, histogramOf(b));
        expect(merged).toEqual(histogramOf([...a, ...b]));
      }),
    );
  });

  test('gives quantiles that are at most a bucket away', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.95, 0.99), (all, q) => {
        const exact = all.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * all.length) - 1)]!;
        const found = quantile(histogramOf(all), q)!;
        expect(found).toBeLessThanOrEqual(bucketBounds[bucketOf(exact)]!);
        expect(found).toBeGreaterThanOrEqual((bucketBounds[bucketOf(exact) - 1] ?? 0) * 0.999);
      }),
    );
    expect(quantile([], 0.5)).toBeNull();
  });

  test('counts exactly what is above one of its bounds', () => {
    fc.assert(
      fc.property(values, (all) => {
        expect(countAbove(histogramOf(all), 100)).toBe(all.filter((value) => value > 100).length);
      }),
    );
  });
});
