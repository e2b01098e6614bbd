import { expect, test } from '@jest/globals';
import { EventRing, ringMax } from './event-ring.ts';

const event = (sequence: number): Parameters<EventRing['take']>[0] => ({
  sequence,
  workspace: null,
  resource: 'runs',
  event: 'run.changed',
  data: {},
});
const after = (ring: EventRing, sequence: number): number[] | undefined => ring.since(sequence)?.map((each) => each.sequence);

test('whoever comes back is told what it missed, or that it must read anew', () => {
  const ring = new EventRing();
  expect(after(ring, 0)).toBeUndefined(); // nothing is read yet
  ring.begin(101);
  for (const sequence of [103, 107]) ring.take(event(sequence));
  expect(after(ring, 100)).toEqual([103, 107]);
  expect(after(ring, 103)).toEqual([107]);
  expect(after(ring, 107)).toEqual([]);
  expect(after(ring, 108)).toBeUndefined(); // of another stream, or not read yet
});

test('what was before its first event, when the gateway began anew, is not taken for told', () => {
  const ring = new EventRing();
  ring.begin(98_001);
  ring.take(event(98_400)); // those in between do not go outside, or are not read yet
  expect(after(ring, 97_000)).toBeUndefined();
  expect(after(ring, 98_000)).toEqual([98_400]);
});

test('goes on where it stood after a pause, and begins anew where the stream has let go of what follows', () => {
  const ring = new EventRing();
  ring.begin(1);
  ring.take(event(5));
  ring.begin(6);
  expect(after(ring, 2)).toEqual([5]);
  ring.begin(9);
  ring.take(event(9));
  expect(after(ring, 5)).toBeUndefined();
  expect(after(ring, 8)).toEqual([9]);
});

test('what it let go of is not taken for told', () => {
  const ring = new EventRing();
  ring.begin(1);
  for (let sequence = 2; sequence <= 2 * ringMax + 4; sequence += 2) ring.take(event(sequence));
  expect(after(ring, 4)).toHaveLength(ringMax);
  expect(after(ring, 3)).toBeUndefined();
});

test('forgets what the stream has lost: its numbers are others’ from then on', () => {
  const ring = new EventRing();
  ring.begin(1);
  ring.take(event(500));
  ring.clear();
  ring.begin(1);
  ring.take(event(2));
  expect(after(ring, 1)).toEqual([2]);
  expect(after(ring, 500)).toBeUndefined();
});
