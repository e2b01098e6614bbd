import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Measures, outliersOf, type Outcomes } from './measures.ts';
import { policyDefaults } from './policy.ts';

const well = { succeeded: 10, failed: 0, totalMs: 100 };
const bad = { succeeded: 1, failed: 9, totalMs: 100 };
const slow = { succeeded: 10, failed: 0, totalMs: 20_000 };
const found = (...outcomes: (Omit<Outcomes, 'last'> & Partial<Outcomes>)[]): string[] =>
  outliersOf(new Map(outcomes.map((each, index) => [`i${index}`, { last: [], ...each }])), policyDefaults).map(
    ({ instance, cause }) => `${instance} ${cause}`,
  );

describe('outliers', () => {
  test('fail or are slow where most of the others do not', () => {
    expect(found(well, well, bad)).toEqual(['i2 errors']);
    expect(found(well, slow)).toEqual(['i1 slow']);
    expect(found(well, well, well, bad, bad)).toEqual(['i3 errors', 'i4 errors']);
  });

  test('are none where all do the same, or there is nothing to compare with', () => {
    expect(found(bad, bad, bad)).toEqual([]);
    expect(found(slow, slow)).toEqual([]);
    expect(found(bad)).toEqual([]);
    expect(found(well, { succeeded: 0, failed: 2, totalMs: 10 })).toEqual([]);
    expect(found({ succeeded: 1, failed: 0, totalMs: 1 }, bad)).toEqual([]);
  });

  test('are known by what they did last, also after hundreds of tasks that went well', () => {
    const many = { succeeded: 300, failed: 0, totalMs: 3_000 };
    const turned = { ...many, failed: 10, last: [many, { succeeded: 0, failed: 4, totalMs: 4 }, { succeeded: 0, failed: 6, totalMs: 6 }] };
    expect(found(many, turned, many)).toEqual(['i1 errors']);
    const slowed = { ...many, last: [many, { succeeded: 10, failed: 0, totalMs: 5_000 }] };
    expect(found(many, many, slowed)).toEqual(['i2 slow']);
    // Some that failed at once are chance.
    const unlucky = { ...many, failed: 8, last: [many, { succeeded: 2, failed: 8, totalMs: 10 }] };
    expect(found(many, unlucky, many)).toEqual([]);
    const few = { ...many, failed: 9, last: [many, { succeeded: 0, failed: 9, totalMs: 10 }] };
    expect(found(many, few, many)).toEqual([]);
  });

  test('a difference of less than a quarter of a second is none', () => {
    expect(found({ succeeded: 10, failed: 0, totalMs: 10 }, { succeeded: 10, failed: 0, totalMs: 2_000 })).toEqual([]);
  });

  test('one that does exactly as well as another is never the only one', () => {
    const outcome = fc.record({
      succeeded: fc.integer({ min: 0, max: 50 }),
      failed: fc.integer({ min: 0, max: 50 }),
      totalMs: fc.integer({ min: 0, max: 100_000 }),
    });
    const some = outcome.filter(({ succeeded, failed }) => succeeded + failed > 0);
    fc.assert(
      fc.property(some, fc.integer({ min: 2, max: 6 }), (one, count) =>
        expect(found(...(Array(count).fill({ ...one, last: [one] }) as Outcomes[]))).toEqual([]),
      ),
    );
  });
});

describe('measures', () => {
  test('count what came within half a minute, and nothing of an instance that was forgotten', () => {
    const measures = new Measures();
    measures.add('a', { instance: 'i', ...well }, 0);
    measures.add('a', { instance: 'i', ...bad }, 20_000);
    expect(measures.of('a', 20_000).get('i')).toMatchObject({ succeeded: 11, failed: 9, totalMs: 200, last: [well, bad] });
    expect(measures.of('a', 40_000).get('i')).toMatchObject({ ...bad, last: [bad] });
    measures.forget('a', 'i');
    expect(measures.of('a', 40_000).size).toBe(0);
    expect(measures.of('b', 0).size).toBe(0);
  });

  test('an instance that did nothing for half a minute is forgotten, so that names that came and went push no other agent out', () => {
    const measures = new Measures();
    for (let name = 0; name < 99_999; name++) measures.add('a', { instance: `i${name}`, ...well }, 0);
    expect(measures.of('a', 40_000).size).toBe(0);
    measures.add('b', { instance: 'i', ...well }, 40_000);
    measures.add('a', { instance: 'new', ...well }, 40_000);
    expect(measures.of('b', 40_000).size).toBe(1);
  });
});
