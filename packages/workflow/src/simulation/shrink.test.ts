import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { shrink } from './shrink.ts';
import { rough } from './fault-mixes.ts';
import { simulate, type Schedule } from './simulate.ts';

test('what is left is needed: one kind of fault, until the moment that it takes, and the steps that take part', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 0, max: 9 }), (moment, step) => {
      const fails = ({ faults, faultyUntil = 1_500, without = [] }: Schedule): boolean =>
        faults.loss > 0 && faultyUntil >= moment && !without.includes(step);
      const least = shrink({ seed: 1, faults: rough }, fails);
      expect(Object.entries(least.faults).filter(([, share]) => share > 0)).toEqual([['loss', rough.loss]]);
      expect(least.faultyUntil ?? 1_500).toBe(moment);
      expect(least.without).not.toContain(step);
      expect(least.without?.length).toBe(23);
    }),
  );
});

test('a schedule with steps left out is played, whichever they are', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { state } = simulate({ seed, faults: rough, without: [seed % 5, seed % 3] });
    expect(state.endedAt).toBeDefined();
  }
});
