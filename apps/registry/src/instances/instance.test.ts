import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { beatStatuses } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { afterBeat } from './instance.ts';

const states = fc
  .record({ status: fc.constantFrom(...beatStatuses), capacity: fc.integer({ min: 0, max: 9 }), inFlight: fc.integer({ min: 0, max: 9 }) })
  .map((state) => ({ ...state, isDraining: state.status === 'draining' }));
const idle = { capacity: 1, inFlight: 0, isDraining: false };

test('a beat like the one before is no change, whatever the instance is busy with', () => {
  fc.assert(
    fc.property(states, fc.integer({ min: 0, max: 9 }), (state, inFlight) => {
      const once = afterBeat(state, { ...state, inFlight });
      expect(once.isChange).toBe(false);
      expect(once.next.status).toBe(state.status);
    }),
  );
});

test('what is told is exactly another status or capacity, or an instance that nobody knew', () => {
  fc.assert(
    fc.property(states, states, (before, beat) => {
      expect(afterBeat(before, beat).isChange).toBe(before.status !== beat.status || before.capacity !== beat.capacity);
      expect(afterBeat(null, beat).isChange).toBe(true);
    }),
  );
});

test('a beat without a status is of a live instance, and one that is gone has nothing in flight', () => {
  expect(afterBeat({ ...idle, status: 'gone' }, { capacity: 1, inFlight: 1 })).toEqual({
    next: { ...idle, status: 'live', inFlight: 1 },
    isChange: true,
    isLost: false,
  });
  expect(afterBeat(null, { status: 'gone', capacity: 1, inFlight: 1 }).next.inFlight).toBe(0);
});

test('an instance that goes without draining first is lost', () => {
  const going = { status: 'gone', capacity: 1, inFlight: 0 } as const;
  expect(afterBeat({ ...idle, status: 'live' }, going).isLost).toBe(true);
  expect(afterBeat({ ...idle, status: 'draining', isDraining: true }, going).isLost).toBe(false);
  expect(afterBeat({ ...idle, status: 'gone' }, going).isLost).toBe(false);
});

test('an instance that is isolated stays so, whatever it beats, until it goes', () => {
  fc.assert(
    fc.property(states, (beat) => {
      const { next, isChange } = afterBeat({ ...idle, status: 'isolated' }, beat);
      expect(next.status).toBe(beat.status === 'gone' ? 'gone' : 'isolated');
      // That it drains is kept for when it is released.
      expect(isChange).toBe(beat.status !== 'live' || beat.capacity !== 1);
    }),
  );
});
