import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterEnd, noHistory, restartDefaults, type RestartHistory } from './restart-policy.ts';

const policy = { ...restartDefaults, initialMs: 100, maxMs: 1_000, crashesMax: 4, withinMs: 10_000, stableAfterMs: 5_000 };

test('pauses grow to their cap', () => {
  let history: RestartHistory = noHistory;
  const pauses: number[] = [];
  for (let now = 0; pauses.length < 6; now += 20_000) {
    const after = afterEnd(history, policy, { startedAt: null, now, chance: 0 });
    history = after.history;
    pauses.push(after.decision.kind === 'retry' ? after.decision.at - now : NaN);
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(history.restarts).toBe(6);
});

test('a run that lasted begins the pauses anew', () => {
  const history = { restarts: 9, failures: 9, ends: [] };
  expect(afterEnd(history, policy, { startedAt: 0, now: 5_000, chance: 0 }).decision).toEqual({ kind: 'retry', at: 5_100 });
});

test('the last end that a crash loop allows gives up, unless loops are allowed', () => {
  const history = { restarts: 3, failures: 3, ends: [1_000, 2_000, 3_000] };
  expect(afterEnd(history, policy, { startedAt: null, now: 4_000, chance: 0 }).decision).toEqual({
    kind: 'give-up',
    because: 'it ended 4 times within 3 s',
  });
  expect(afterEnd(history, { ...policy, crashesMax: 0 }, { startedAt: null, now: 4_000, chance: 0 }).decision.kind).toBe('retry');
});

test('no pause is longer than its cap or shorter than jitter allows, and no history grows', () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.array(fc.nat(1_000_000), { maxLength: 30 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, ends, chance) => {
        const after = afterEnd({ restarts: 0, failures, ends }, policy, { startedAt: null, now: 2_000_000, chance });
        expect(after.history.ends.length).toBeLessThanOrEqual(policy.crashesMax);
        if (after.decision.kind === 'retry') {
          const pause = after.decision.at - 2_000_000;
          expect(pause).toBeLessThanOrEqual(policy.maxMs);
          expect(pause).toBeGreaterThanOrEqual(Math.floor(policy.initialMs * (1 - policy.jitter)));
        }
      },
    ),
  );
});
