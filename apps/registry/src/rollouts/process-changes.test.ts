import { expect, test } from '@jest/globals';
import { candidateSlots, processChanges, type ProcessSlot, type WantedProcesses } from './process-changes.ts';

/** Does what is said until nothing is; what was begun is up in the next round. Answers the versions that were up in each round. */
function play(wanted: WantedProcesses, slots: ProcessSlot[]): { slots: ProcessSlot[]; up: number[][] } {
  const up: number[][] = [];
  for (let round = 0; round < 50; round++) {
    const { end, begin } = processChanges(wanted, slots);
    const waits = slots.some(({ isUp }) => !isUp);
    if (end.length + begin.length === 0 && !waits) return { slots, up };
    slots = slots.map((slot) => ({ ...slot, isUp: true })).filter(({ slot }) => !end.includes(slot));
    up.push(slots.map(({ version }) => version));
    slots = [...slots, ...begin.map((one) => ({ ...one, isUp: false, isEnding: false }))];
  }
  throw new Error(`it never ends: ${JSON.stringify(slots)}`);
}

const stable = [0, 1, 2, 3].map((slot) => ({ slot, version: 1, isUp: true, isEnding: false }));
const current = { version: 1, replicas: 4 };
const versionsOf = (slots: readonly ProcessSlot[]): number[] => slots.map(({ version }) => version).sort();

test('a canary has processes beside the others, and loses them when it is rolled back', () => {
  const beside = play({ current, candidate: { version: 2, count: 2, replaces: false }, isPromoted: false }, stable);
  expect(versionsOf(beside.slots)).toEqual([1, 1, 1, 1, 2, 2]);
  expect(versionsOf(play({ current, candidate: null, isPromoted: false }, beside.slots).slots)).toEqual([1, 1, 1, 1]);
});

test('rolling, a process ends for each of the new version that is up, and never before', () => {
  const rolled = play({ current, candidate: { version: 2, count: 3, replaces: true }, isPromoted: false }, stable);
  expect(versionsOf(rolled.slots)).toEqual([1, 2, 2, 2]);
  for (const up of rolled.up) expect(up.length).toBeGreaterThanOrEqual(4);
  // Back again: all of them, at once.
  const back = processChanges({ current, candidate: null, isPromoted: false }, rolled.slots);
  expect([back.end.length, back.begin.length]).toEqual([3, 3]);
});

test('after a promotion one process after the other is replaced, the new ones beside them last', () => {
  const beside = play({ current, candidate: { version: 2, count: 4, replaces: false }, isPromoted: false }, stable);
  const { slots, up } = play({ current: { version: 2, replicas: 3 }, candidate: null, isPromoted: true }, beside.slots);
  expect(slots.map(({ slot, version }) => [slot < candidateSlots, version])).toEqual([
    [true, 2],
    [true, 2],
    [true, 2],
  ]);
  for (const each of up) expect(each.length).toBeGreaterThanOrEqual(3);
});

test('a process that finishes its last tasks counts no more and is left alone, and its place is not free', () => {
  const slots = stable.map((slot) => ({ ...slot, isEnding: slot.slot === 2 }));
  const candidate = { version: 2, count: 0, replaces: false };
  expect(processChanges({ current: { version: 1, replicas: 3 }, candidate, isPromoted: false }, slots)).toEqual({ end: [], begin: [] });
  expect(processChanges({ current, candidate: null, isPromoted: false }, slots)).toEqual({ end: [], begin: [{ slot: 4, version: 1 }] });
});
