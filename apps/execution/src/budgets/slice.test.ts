import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sliceFor, unknownOf } from './slice.ts';

const none = { tokens: 0, costUsd: 0, steps: 0 };
const amount = fc.integer({ min: 0, max: 2_000 });

describe('the slice of a budget that a run is given', () => {
  test('is ten calls where there is plenty, one near the limit, and none beyond', () => {
    const part = { slice: none, have: { tokens: 0 } };
    const standing = (spent: number, given = 0): Parameters<typeof sliceFor>[0] => ({
      limit: { tokens: 100_000 },
      spent: { ...none, tokens: spent },
      given: { ...none, tokens: given },
    });
    expect(sliceFor(standing(0), part, { tokens: 25 })).toEqual({ adds: { ...none, tokens: 250 } });
    expect(sliceFor(standing(0), part, { tokens: 500 })).toEqual({ adds: { ...none, tokens: 1_000 } });
    expect(sliceFor(standing(99_900), part, { tokens: 25 })).toEqual({ adds: { ...none, tokens: 25 } });
    expect(sliceFor(standing(99_990), part, { tokens: 25 })).toEqual({ lacks: 'tokens', needs: 25, mayComeBack: false });
    expect(sliceFor(standing(90_000, 9_990), part, { tokens: 25 })).toEqual({ lacks: 'tokens', needs: 25, mayComeBack: true });
  });

  test('is not taken twice where its run did not hear of it', () => {
    const part = { slice: { ...none, tokens: 250 }, have: { tokens: 0 } };
    const { adds } = sliceFor({ limit: { tokens: 250 }, spent: none, given: { ...none, tokens: 250 } }, part, { tokens: 25 }) as {
      adds: typeof none;
    };
    expect(adds).toEqual(none);
    expect(unknownOf(part, adds)).toEqual({ tokens: 250 });
  });

  test('never goes past the limit, and is always enough', () => {
    fc.assert(
      fc.property(amount, amount, amount, amount, fc.integer({ min: 1, max: 500 }), (limit, spent, slice, others, wants) => {
        const given = slice + others;
        const part = { slice: { ...none, tokens: slice }, have: { tokens: Math.floor(slice / 2) } };
        const standing = { limit: { tokens: limit }, spent: { ...none, tokens: spent }, given: { ...none, tokens: given } };
        const answer = sliceFor(standing, part, { tokens: wants });
        if (!('adds' in answer)) return;
        if (answer.adds.tokens > 0) expect(spent + given + answer.adds.tokens).toBeLessThanOrEqual(limit);
        expect(unknownOf(part, answer.adds).tokens).toBeGreaterThanOrEqual(wants);
      }),
    );
  });
});
