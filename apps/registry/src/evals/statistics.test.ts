import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chanceOf, meanInterval, meanOf, normalQuantile, pairedPValue, quantileOf, rateInterval } from './statistics.ts';

const shares = fc.array(
  fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20),
  { minLength: 1, maxLength: 40 },
);

describe('the interval of a rate', () => {
  test('is Wilson’s where each case is put once', () => {
    // 81 of 263: Newcombe 1998, Statistics in Medicine 17, table I, method 3.
    const cases = Array.from({ length: 263 }, (_, at) => (at < 81 ? 1 : 0));
    expect(rateInterval(cases, 263, 0.95)).toEqual({
      value: 81 / 263,
      low: expect.closeTo(0.2553, 3),
      high: expect.closeTo(0.3662, 3),
    });
    // 0 of 20, of the same table: nothing that passed is no proof that nothing can.
    const none = rateInterval(Array<number>(20).fill(0), 20, 0.95);
    expect(none).toEqual({ value: 0, low: 0, high: expect.closeTo(0.1611, 3) });
  });

  test('takes repeats that always agree for one attempt, and those that differ as cases do for as many', () => {
    const agreeing = Array.from({ length: 20 }, (_, at) => (at < 15 ? 1 : 0));
    const once = rateInterval(agreeing, 20, 0.95);
    const often = rateInterval(agreeing, 200, 0.95);
    expect(often.low).toBeCloseTo(once.low, 2);
    const varying = rateInterval(Array<number>(20).fill(0.75), 200, 0.95);
    expect(varying.low).toBeGreaterThanOrEqual(once.low);
  });

  test('holds the rate, within 0 and 1, wider for more confidence', () => {
    fc.assert(
      fc.property(shares, (of) => {
        const { value, low, high } = rateInterval(of, of.length * 3, 0.95);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(high).toBeLessThanOrEqual(1);
        expect(rateInterval(of, of.length * 3, 0.99).low).toBeLessThanOrEqual(low + 1e-12);
      }),
    );
  });
});

describe('the interval of a mean', () => {
  test('holds the mean and is the same for the same seed', () => {
    fc.assert(
      fc.property(shares, fc.string(), (of, seed) => {
        const first = meanInterval(of, 0.95, chanceOf(seed));
        expect(first.low).toBeLessThanOrEqual(first.value);
        expect(first.high).toBeGreaterThanOrEqual(first.value);
        expect(meanInterval(of, 0.95, chanceOf(seed))).toEqual(first);
      }),
      { numRuns: 20 },
    );
  });

  test('holds the true mean about as often as it says', () => {
    const chance = chanceOf('coverage');
    const trials = 60;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { low, high } = meanInterval(Array.from({ length: 40 }, chance), 0.95, chance);
      if (low <= 0.5 && high >= 0.5) held++;
    }
    expect(held / trials).toBeGreaterThan(0.85);
  });
});

describe('the paired test', () => {
  test('counts all flips of few pairs', () => {
    expect(pairedPValue([1, 1, 1, 1, 1], chanceOf('a'))).toBe(2 / 32);
    expect(pairedPValue([1, -1], chanceOf('a'))).toBe(1);
    expect(pairedPValue([0, 0, 0], chanceOf('a'))).toBe(1);
  });

  test('says chance of chance, and not of what is always better', () => {
    expect(pairedPValue(Array<number>(40).fill(0.2), chanceOf('a'))).toBeLessThan(0.001);
    const chance = chanceOf('null');
    const low = Array.from({ length: 60 }, () =>
      pairedPValue(
        Array.from({ length: 20 }, () => chance() - 0.5),
        chance,
      ),
    ).filter((p) => p < 0.05);
    expect(low.length).toBeLessThan(10);
  });

  test('is the same whichever way round', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 7 }), (differences) => {
        const p = pairedPValue(differences, chanceOf('a'));
        expect(
          pairedPValue(
            differences.map((difference) => -difference),
            chanceOf('a'),
          ),
        ).toBe(p);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });
});

test('quantiles are of the nearest rank, and of the normal distribution as in the tables', () => {
  expect([0.5, 0.95].map((share) => quantileOf([4, 1, 3, 2], share))).toEqual([2, 4]);
  expect(quantileOf([], 0.5)).toBeUndefined();
  expect(meanOf([])).toBe(0);
  expect(normalQuantile(0.975)).toBeCloseTo(1.96, 2);
  expect(normalQuantile(0.995)).toBeCloseTo(2.5758, 3);
});
