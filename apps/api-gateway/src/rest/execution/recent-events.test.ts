import { describe, expect, test } from '@jest/globals';
import { RecentEvents } from './recent-events.ts';
import type { ToldEvent } from './told-event.ts';

const told = (seq: number, bytes = 10, isProgress = false): ToldEvent => ({ seq, isProgress, isEnd: false, frame: Buffer.alloc(bytes) });

/** All that is told from a place on. */
function numbersFrom(recent: RecentEvents, place: number | null): number {
  let bytes = 0;
  for (let batch = place === null ? null : recent.batchAt(place); batch; batch = recent.batchAt(batch.next)) bytes += batch.frames.length;
  return bytes;
}

describe('recent events', () => {
  test('have a place for whoever has seen what was before them', () => {
    const recent = new RecentEvents(4);
    expect(recent.placeAfter(3)).toBeNull();
    expect(recent.placeAfter(4)).toBe(0);
    for (const seq of [5, 8]) recent.add(told(seq));
    recent.add(told(8, 10, true));
    recent.reach(11);
    expect([4, 5, 7, 8, 11].map((seq) => recent.placeAfter(seq))).toEqual([0, 1, 1, 3, 3]);
    expect(recent.batchAt(1)).toMatchObject({ next: 3, seen: 8 });
    expect(recent.batchAt(2)).toMatchObject({ next: 3, seen: -1 });
    expect(recent.batchAt(3)).toBeNull();
    expect(recent.to).toBe(11);
  });

  test('let go of the oldest, and say who is too late for them', () => {
    const recent = new RecentEvents(-1);
    for (let seq = 0; seq < 1_000; seq++) recent.add(told(seq, 1_000));
    expect(recent.end - recent.first).toBe(262);
    expect(recent.from).toBe(737);
    expect(recent.placeAfter(736)).toBeNull();
    expect(recent.placeAfter(737)).toBe(recent.first);
    expect(numbersFrom(recent, recent.first)).toBe(262_000);
    expect(recent.batchAt(recent.first)?.frames.length).toBe(66_000);
  });

  test('keep one event, however large it is', () => {
    const recent = new RecentEvents(-1);
    recent.add(told(0));
    recent.add(told(1, 1_000_000));
    expect(recent.placeAfter(-1)).toBeNull();
    expect(numbersFrom(recent, recent.placeAfter(0))).toBe(1_000_000);
  });
});
