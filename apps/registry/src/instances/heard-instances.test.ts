import { expect, test } from '@jest/globals';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { HeardInstances, type Heard } from './heard-instances.ts';

const limitMs = 1_000;

function heardAt(beatAt: number, rest: Partial<Heard> = {}): Heard {
  const uuid = newUuid();
  return {
    ...{ id: `instance_${uuid}`, uuid, workspace: 'w', agent: 'a', agentId: newUuid(), instance: uuid, shard: 7, version: 1 },
    ...{ state: { status: 'live', capacity: 1, inFlight: 0, isDraining: false }, beatAt, written: { inFlight: 0, at: beatAt } },
    ...rest,
  };
}

test('who beats in time is never late, who does not is late once, a limit after its last beat', () => {
  const all = new HeardInstances();
  const start = performance.now();
  const [beats, stops] = [heardAt(start), heardAt(start)];
  for (const heard of [beats, stops]) all.keep(heard, limitMs);
  const late: Heard[] = [];
  let stoppedAt = 0;
  for (let now = start; now < start + 5_000; now += 100) {
    all.beat(beats, 1, now);
    if (now < start + 2_000) all.beat(stops, 1, (stoppedAt = now));
    for (const heard of all.late(now, limitMs, start)) {
      late.push(heard);
      expect(now - stoppedAt).toBeGreaterThanOrEqual(limitMs);
      expect(now - stoppedAt).toBeLessThan(limitMs + 300);
    }
  }
  expect(late).toEqual([stops]);
});

test('after a gap in hearing everybody has a full limit', () => {
  const all = new HeardInstances();
  const start = performance.now();
  const silent = heardAt(start);
  all.keep(silent, limitMs);
  expect(all.late(start + 4_000, limitMs, start + 4_000)).toEqual([]);
  expect(all.late(start + 4_900, limitMs, start + 4_000)).toEqual([]);
  expect(all.late(start + 5_300, limitMs, start + 4_000)).toEqual([silent]);
});

test('an older word of an instance changes nothing, a newer one replaces it, and one that was dropped is never late', () => {
  const all = new HeardInstances();
  const start = performance.now();
  const second = heardAt(start, { version: 2 });
  all.keep(second, limitMs);
  all.keep({ ...second, version: 1 }, limitMs);
  expect(all.get(second.id)).toBe(second);
  const third = { ...second, version: 3 };
  all.keep(third, limitMs);
  all.drop(second);
  expect(all.find('w', 'a', second.instance)).toBe(third);
  all.dropAgent('w', 'a');
  expect(all.size).toBe(0);
  expect(all.late(start + 10_000, limitMs, start)).toEqual([]);
});

test('only what the database does not know is written, so many at once, and again where that failed', () => {
  const all = new HeardInstances();
  const start = performance.now();
  const some = Array.from({ length: 5 }, (_, shard) => heardAt(start, { shard }));
  for (const heard of some) all.keep(heard, limitMs);
  all.beat(some[0]!, 0, start + 1);
  for (const heard of some.slice(1)) all.beat(heard, 1, start + 1);
  expect(all.takeUnwritten(2)).toEqual(some.slice(1, 3));
  expect(all.takeUnwritten(9)).toEqual(some.slice(3));
  expect(all.takeUnwritten(9)).toEqual([]);
  all.dropShards(new Set([3]));
  all.putBack(some.slice(3));
  expect(all.takeUnwritten(9)).toEqual([some[4]]);
});
