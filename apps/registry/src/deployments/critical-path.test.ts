import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { criticalPathOf, type Work } from './critical-path.ts';
import { cycleIn, waves } from './graph.ts';

/** Random work without cycles: each item needs only items before it. Days are quarters, so that sums are exact. */
const works = fc
  .array(fc.record({ quarters: fc.integer({ min: 0, max: 40 }), needs: fc.array(fc.nat(), { maxLength: 4 }) }), { maxLength: 30 })
  .map((items): Work[] =>
    items.map(({ quarters, needs }, index) => ({
      name: `w${String((index * 7919) % 1_000).padStart(3, '0')}-${index}`,
      days: quarters / 4,
      needs: index === 0 ? [] : needs.map((need) => need % index).map((at) => `w${String((at * 7919) % 1_000).padStart(3, '0')}-${at}`),
    })),
  );

/** Longest path by trying every one. */
function longestByBruteForce(work: Work[]): number {
  const byName = new Map(work.map((item) => [item.name, item]));
  const memo = new Map<string, number>();
  const finish = (name: string): number => {
    const known = memo.get(name);
    if (known !== undefined) return known;
    const item = byName.get(name)!;
    const value = item.days + Math.max(0, ...item.needs.map(finish));
    memo.set(name, value);
    return value;
  };
  return Math.max(0, ...work.map((item) => finish(item.name)));
}

describe('the critical path method', () => {
  test('the whole takes as long as its longest path', () => {
    fc.assert(fc.property(works, (work) => expect(criticalPathOf(work).days).toBe(longestByBruteForce(work))));
  });

  test('nothing starts before what it needs, and no slack is negative', () => {
    fc.assert(
      fc.property(works, (work) => {
        const { days, schedules } = criticalPathOf(work);
        for (const item of work) {
          const own = schedules.get(item.name)!;
          expect(own.slack).toBeGreaterThanOrEqual(0);
          expect(own.latestFinish).toBeLessThanOrEqual(days);
          expect(own.latestStart - own.earliestStart).toBeCloseTo(own.slack, 6);
          for (const need of item.needs) {
            expect(schedules.get(need)!.earliestFinish).toBeLessThanOrEqual(own.earliestStart);
            expect(schedules.get(need)!.latestFinish).toBeLessThanOrEqual(own.latestStart);
          }
        }
      }),
    );
  });

  test('slipping by its slack leaves the end where it is, slipping by more moves it by the rest', () => {
    fc.assert(
      fc.property(works, fc.nat(), fc.integer({ min: 1, max: 20 }), (work, at, quarters) => {
        fc.pre(work.length > 0);
        const item = work[at % work.length]!;
        const before = criticalPathOf(work);
        const slack = before.schedules.get(item.name)!.slack;
        const slipped = (days: number): number =>
          criticalPathOf(work.map((other) => (other === item ? { ...item, days: item.days + days } : other))).days;
        expect(slipped(slack)).toBeCloseTo(before.days, 6);
        expect(slipped(slack + quarters / 4)).toBeCloseTo(before.days + quarters / 4, 6);
      }),
    );
  });

  test('the path is a chain without slack that is as long as the whole, the first by names', () => {
    fc.assert(
      fc.property(works, (work) => {
        const { days, schedules, path } = criticalPathOf(work);
        const byName = new Map(work.map((item) => [item.name, item]));
        expect(path.reduce((sum, name) => sum + byName.get(name)!.days, 0)).toBe(days);
        path.forEach((name, index) => {
          expect(schedules.get(name)!.slack).toBe(0);
          if (index > 0) expect(byName.get(name)!.needs).toContain(path[index - 1]);
        });
        if (work.length > 0) expect(byName.get(path[0]!)!.needs).toEqual([]);
      }),
    );
  });

  test('the order in which work is given changes nothing', () => {
    fc.assert(
      fc.property(works, (work) => {
        const forward = criticalPathOf(work);
        const backward = criticalPathOf(work.toReversed());
        expect(backward.path).toEqual(forward.path);
        expect(Object.fromEntries(backward.schedules)).toEqual(Object.fromEntries(forward.schedules));
      }),
    );
  });

  test('of two longest paths the first by names is told', () => {
    const { path } = criticalPathOf([
      { name: 'b', days: 2, needs: [] },
      { name: 'a', days: 2, needs: [] },
      { name: 'z', days: 1, needs: ['a'] },
      { name: 'y', days: 1, needs: ['a', 'b'] },
    ]);
    expect(path).toEqual(['a', 'y']);
  });

  test('no work takes no time', () => {
    expect(criticalPathOf([])).toMatchObject({ days: 0, path: [] });
  });

  test('needs that are no work of the list count as done', () => {
    expect(criticalPathOf([{ name: 'a', days: 1, needs: ['service:bus', 'gone'] }])).toMatchObject({ days: 1, path: ['a'] });
  });

  test('five thousand nodes take less than a tenth of a second', () => {
    const work = Array.from({ length: 5_000 }, (_, index): Work => ({
      name: `n${index}`,
      days: (index % 7) / 2,
      needs: index === 0 ? [] : [`n${Math.floor(index / 2)}`, `n${index - 1}`],
    }));
    criticalPathOf(work);
    // Processor time: what else the machine does is not the algorithm's.
    expect(Math.min(...Array.from({ length: 5 }, () => processorMs(() => criticalPathOf(work))))).toBeLessThan(100);
  });
});

function processorMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('cycles', () => {
  test('a graph without one has none, and its waves hold every node once, after what it needs', () => {
    fc.assert(
      fc.property(works, (work) => {
        expect(cycleIn(work)).toBeNull();
        const flat = waves(work)
          .flat()
          .map((item) => item.name);
        expect([...flat].sort()).toEqual(work.map((item) => item.name).sort());
        for (const item of work) for (const need of item.needs) expect(flat.indexOf(need)).toBeLessThan(flat.indexOf(item.name));
      }),
    );
  });

  test('a closed one is found, named from its smallest member, and refused by the scheduler', () => {
    fc.assert(
      fc.property(works, fc.integer({ min: 2, max: 6 }), (work, size) => {
        const ring = Array.from({ length: size }, (_, index) => ({ name: `ring${index}`, days: 1, needs: [`ring${(index + 1) % size}`] }));
        const found = cycleIn([...work, ...ring]);
        expect(found).toEqual(ring.map((item) => item.name));
        expect(() => criticalPathOf([...work, ...ring])).toThrow('cycle');
      }),
    );
  });

  test('a chain of ten thousand does not exhaust the stack', () => {
    const chain = Array.from({ length: 10_000 }, (_, index) => ({ name: `n${index}`, needs: [`n${index + 1}`] }));
    expect(cycleIn(chain)).toBeNull();
  });
});
