import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LimitNumbers } from '../core/limits.ts';
import { LimitQueue, type Place } from './limit-queue.ts';
import { PriorityLine } from './priority-line.ts';

function place(id: string | number, numbers: LimitNumbers = { concurrency: 2 }, priority = 3, state: Place['state'] = 'waits'): Place {
  return { id: String(id), priority, numbers, state };
}

const ids = (places: readonly Place[]): string[] => places.map(({ id }) => id);

test('never more hold a place than there are, whatever comes and goes, and nobody waits where one is free', () => {
  const word = fc.record({
    what: fc.constantFrom('add', 'add', 'remove', 'grant'),
    id: fc.nat(20),
    priority: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (words, concurrency) => {
      const queue = new LimitQueue<Place>(0);
      for (const { what, id, priority } of words) {
        if (what === 'add') queue.add(place(id, { concurrency }, priority), 0);
        else if (what === 'remove') queue.remove(String(id), 0);
        else queue.grant(0);
        const all = [...queue.all()];
        expect(queue.holders).toBe(all.filter(({ state }) => state === 'held').length);
        expect(queue.waiting).toBe(all.filter(({ state }) => state === 'waits').length);
        expect(ids([...queue.inLine()]).sort()).toEqual(ids(all.filter(({ state }) => state === 'waits')).sort());
        expect(queue.holders).toBeLessThanOrEqual(concurrency);
        if (what === 'grant') expect(queue.waiting === 0 || queue.holders === concurrency).toBe(true);
      }
    }),
  );
});

test('the more urgent goes first, of the same the one that came first', () => {
  const queue = new LimitQueue<Place>(0);
  for (const [id, priority] of [
    [1, 3],
    [2, 5],
    [3, 1],
    [4, 3],
  ] as const)
    queue.add(place(id, { concurrency: 4 }, priority), 0);
  expect(ids(queue.grant(0))).toEqual(['3', '1', '4', '2']);
});

test('in any time no more begin than the rate and its burst allow, and who waits as long as it says may begin', () => {
  const perMs = 1_000;
  const micros = (ms: number): number => 1_000 * ms;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.nat(micros(3_000)), { maxLength: 60 }),
      (max, burst, pauses) => {
        const queue = new LimitQueue<Place>(0);
        for (let id = 0; id < 1_300; id++) queue.add(place(id, { rate: { max, perMs, burst } }), 0);
        let at = 0;
        let begun = 0;
        let least = Infinity;
        let most = 0;
        // Of any two that begin: as many as begin from the one to the other are at most the burst and what the time between them lets begin.
        const grantAt = (time: number): number => {
          const granted = queue.grant(time / 1_000).length;
          for (let i = 0; i < granted; i++) {
            const ahead = begun++ * perMs - Math.floor(time / 1_000) * max;
            least = Math.min(least, ahead);
            most = Math.max(most, ahead - least + perMs);
          }
          expect(most).toBeLessThanOrEqual(burst * perMs);
          return granted;
        };
        for (const pause of pauses) {
          at += pause;
          grantAt(at);
          expect(queue.left(at / 1_000)).toBe(0);
          const waitMs = queue.waitMs(at / 1_000);
          expect(grantAt(at + micros(waitMs - 1))).toBe(0);
          at += micros(waitMs);
          expect(grantAt(at)).toBeGreaterThan(0);
        }
      },
    ),
    // What a bucket of fractions failed with.
    {
      examples: [
        [4, 7, [0, 235, 1_608].map(micros)],
        [1, 2, [0, 938, 435].map(micros)],
      ],
    },
  );
});

test('what a rate has left stays when it counts by another time, and is never more', () => {
  const queue = new LimitQueue<Place>(0);
  queue.add(place('a', { rate: { max: 2, perMs: 1_000, burst: 3 } }), 0);
  expect(ids(queue.grant(0))).toEqual(['a']);
  queue.remove('a', 0);
  queue.add(place('b', { rate: { max: 7, perMs: 60_000, burst: 3 } }), 100);
  // Two, and two tenths of one: 0.8 of one at 7 a minute.
  expect(queue.left(100)).toBe(2);
  expect(ids(queue.grant(100))).toEqual(['b']);
  for (const id of [1, 2]) queue.add(place(id, { rate: { max: 7, perMs: 60_000, burst: 3 } }), 100);
  expect(ids(queue.grant(100))).toEqual(['1']);
  expect(queue.waitMs(100)).toBe(Math.ceil((0.8 * 60_000) / 7));
});

test('of different numbers the strictest hold, for as long as somebody here has them', () => {
  const queue = new LimitQueue<Place>(0);
  queue.add(place('a', { concurrency: 3 }), 0);
  queue.add(place('b', { concurrency: 1, rate: { max: 10, perMs: 1_000, burst: 5 } }), 0);
  queue.add(place('c', { concurrency: 3, rate: { max: 1, perMs: 1_000, burst: 9 } }), 0);
  expect(queue.numbers).toEqual({ concurrency: 1, rate: { max: 1, perMs: 1_000, burst: 5 } });
  expect(ids(queue.grant(0))).toEqual(['a']);
  queue.remove('b', 0);
  expect(queue.numbers.concurrency).toBe(3);
  expect(ids(queue.grant(0))).toEqual(['c']);
});

test('what holds its place already is counted, however many do, and one that said so twice is one', () => {
  const queue = new LimitQueue<Place>(0);
  for (const id of [1, 2, 3]) queue.add(place(id, { concurrency: 2 }, 3, 'held'), 0);
  queue.add(place(4), 0);
  queue.add(place(4, { concurrency: 2 }, 3, 'held'), 0);
  queue.add(place(5), 0);
  expect(queue.holders).toBe(4);
  for (const id of [1, 2]) queue.remove(String(id), 0);
  expect(queue.grant(0)).toEqual([]);
  expect(queue.remove('3', 0)).toBe(true);
  expect(queue.remove('3', 0)).toBe(false);
  expect(ids(queue.grant(0))).toEqual(['5']);
});

test('a rate that was taken over begins empty, and a limit is forgotten only where a new one would let no more begin', () => {
  const numbers = { rate: { max: 1, perMs: 1_000, burst: 3 } };
  const taken = new LimitQueue<Place>(5_000, 4_500);
  taken.add(place(1, numbers), 5_000);
  expect(taken.grant(5_000)).toEqual([]);
  expect(taken.waitMs(5_000)).toBe(500);
  expect(ids(taken.grant(5_500))).toEqual(['1']);
  taken.remove('1', 5_500);
  expect(taken.isIdle(8_400)).toBe(false);
  expect(taken.isIdle(8_500)).toBe(true);
});

test('a line lets go of what is not live, keeps the order of what does not fit, and takes back first what was put back', () => {
  const line = new PriorityLine<{ priority: number; id: number; isLive?: boolean }>();
  for (let id = 0; id < 3_000; id++) line.push({ priority: 3, id, isLive: id >= 2_500 });
  const isLive = ({ isLive: live = true }: { isLive?: boolean }): boolean => live;
  expect(line.take(isLive)?.id).toBe(2_500);
  expect(line.size).toBe(499);
  expect(line.take(isLive, ({ id }) => id % 2 === 1)?.id).toBe(2_501);
  expect(line.take(isLive, ({ id }) => id === 2_505)?.id).toBe(2_505);
  line.unshift({ priority: 3, id: 1 });
  line.push({ priority: 1, id: 7 });
  expect([line.take(isLive)?.id, line.take(isLive)?.id, line.take(isLive)?.id]).toEqual([7, 1, 2_502]);
  const fresh = new PriorityLine<{ priority: number; id: number }>();
  fresh.push({ priority: 2, id: 1 });
  fresh.unshift({ priority: 2, id: 0 });
  expect([...fresh].map(({ id }) => id)).toEqual([0, 1]);
});

test('those that have gone do not stay in memory while nobody is let in', () => {
  const queue = new LimitQueue<Place>(0);
  queue.add(place('holder', { concurrency: 1 }, 3, 'held'), 0);
  for (let id = 0; id < 10_000; id++) {
    queue.add(place(id), 0);
    queue.remove(String(id), 0);
  }
  const { size } = (queue as unknown as { line: PriorityLine<Place> }).line;
  expect(size).toBeLessThan(1_100);
});

test('who came to wait first goes first, in whatever order the keeper hears of them', () => {
  const waiting = fc.array(fc.record({ priority: fc.integer({ min: 1, max: 3 }), since: fc.nat(20) }), { maxLength: 60 });
  fc.assert(
    fc.property(waiting, fc.nat(10), (all, before) => {
      const line = new PriorityLine<{ priority: number; since: number; id: number }>();
      const items = all.map((item, id) => ({ ...item, id }));
      const inTurn = items.toSorted((a, b) => a.priority - b.priority || a.since - b.since || a.id - b.id);
      for (const item of items) line.push(item);
      expect([...line]).toEqual(inTurn);
      for (let taken = 0; taken < Math.min(before, items.length); taken++) line.take(() => true);
      const late = { priority: 2, since: 10, id: items.length };
      line.push(late);
      const left = [...inTurn.slice(before), late].toSorted((a, b) => a.priority - b.priority || a.since - b.since || a.id - b.id);
      expect([...line]).toEqual(left);
    }),
  );
});

test('of those that go for newer ones so many stay as have places, the newest; in whatever order they come', () => {
  const made = fc.uniqueArray(fc.nat(100), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(made, fc.integer({ min: 1, max: 4 }), fc.nat(3), (times, concurrency, others) => {
      const queue = new LimitQueue<Place>(0);
      for (let id = 0; id < others; id++) queue.add(place(`other${id}`, { concurrency }), 0);
      const gone = new Set<string>();
      for (const replaces of times) {
        queue.add({ ...place(replaces, { concurrency }), replaces }, 0);
        const surplus = ids(queue.surplus());
        for (const id of gone) expect(surplus).toContain(id);
        for (const id of surplus) gone.add(id);
      }
      const stay = Math.max(1, concurrency - others);
      const newest = times.toSorted((a, b) => b - a).slice(0, stay);
      expect(times.filter((time) => !gone.has(String(time))).toSorted((a, b) => b - a)).toEqual(newest);
    }),
  );
});
