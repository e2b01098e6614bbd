import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { overlapMs, periodMs, periodOf, publishedPeriods } from './signing-period.ts';

test('what is signed at any moment is verified by whoever read the keys within the overlap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -overlapMs, max: overlapMs }), (at, apart) => {
      expect(publishedPeriods(at + apart)).toContain(periodOf(at));
    }),
  );
});

test('in the middle of a day one key is published, at its border two', () => {
  expect(publishedPeriods(periodMs * 10 + periodMs / 2)).toEqual([10]);
  expect(publishedPeriods(periodMs * 10 + 1_000)).toEqual([10, 9]);
  expect(publishedPeriods(periodMs * 11 - 1_000)).toEqual([11, 10]);
});
