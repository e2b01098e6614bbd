import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isolatedMax, onCallAt, pauseMs, policyDefaults, policyOf } from './policy.ts';

const at = (text: string): Date => new Date(`${text}Z`);

describe('who is on call', () => {
  const shifts = [
    { who: 'day', days: ['mon' as const, 'tue' as const], from: '08:00', to: '18:00' },
    { who: 'night', days: ['mon' as const], from: '22:00', to: '06:00' },
  ];

  test('is the first shift that covers the moment in UTC, its end left out', () => {
    expect(onCallAt(shifts, at('2026-11-23T08:00:00'))).toBe('day');
    expect(onCallAt(shifts, at('2026-11-23T17:59:59'))).toBe('day');
    expect(onCallAt(shifts, at('2026-11-23T18:00:00'))).toBeNull();
  });

  test('a shift over midnight counts with the day on which it begins', () => {
    expect(onCallAt(shifts, at('2026-11-23T22:00:00'))).toBe('night');
    expect(onCallAt(shifts, at('2026-11-24T05:59:00'))).toBe('night');
    expect(onCallAt(shifts, at('2026-11-24T22:00:00'))).toBeNull();
    expect(onCallAt(shifts, at('2026-11-23T05:00:00'))).toBeNull();
  });

  test('a shift without hours is all day, and nobody is where there is no shift', () => {
    expect(onCallAt([{ who: 'always' }], at('2026-11-23T23:59:59'))).toBe('always');
    expect(onCallAt([], at('2026-11-23T12:00:00'))).toBeNull();
  });
});

test('pauses double, and never exceed an hour', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 3_600_000 }), fc.integer({ min: 0, max: 1_000 }), (trialAfterMs, attempt) => {
      const policy = policyOf({ trialAfterMs });
      const [pause, next] = [pauseMs(policy, attempt), pauseMs(policy, attempt + 1)];
      expect(pause).toBeLessThanOrEqual(3_600_000);
      expect(next).toBe(Math.min(3_600_000, pause * 2));
    }),
  );
});

test('some instance is always left', () => {
  for (let instances = 1; instances < 50; instances++) expect(isolatedMax(policyDefaults, instances)).toBeLessThan(instances);
});
