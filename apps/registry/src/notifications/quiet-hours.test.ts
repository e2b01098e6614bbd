import { describe, expect, test } from '@jest/globals';
import { assert, constantFrom, integer, property } from 'fast-check';
import { quietUntil, type QuietHours } from './quiet-hours.ts';

const at = (text: string): number => Date.parse(text);
const until = (hours: QuietHours[], text: string): string => new Date(quietUntil(hours, at(text))).toISOString();

describe('quiet hours', () => {
  const nights: QuietHours = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };

  test.each([
    ['before they begin', '2026-11-26T20:59:59Z', '2026-11-26T20:59:59.000Z'],
    ['as they begin', '2026-11-26T21:00:00Z', '2026-11-27T06:00:00.000Z'],
    ['after midnight', '2026-11-27T03:00:00Z', '2026-11-27T06:00:00.000Z'],
    ['as they end', '2026-11-27T06:00:00Z', '2026-11-27T06:00:00.000Z'],
    ['in summer, by the clock of the zone', '2026-07-01T03:00:00Z', '2026-07-01T05:00:00.000Z'],
    ['in the night in which the clock goes back', '2026-10-24T23:30:00Z', '2026-10-25T06:00:00.000Z'],
  ])('%s', (_, now, end) => {
    expect(until([nights], now)).toBe(end);
  });

  test('that follow each other are one: a night, the weekend, and the night after it', () => {
    const weekend: QuietHours = { from: '00:00', to: '00:00', days: ['sat', 'sun'] };
    const everyNight: QuietHours = { from: '20:00', to: '06:00' };
    expect(until([everyNight, weekend], '2026-11-27T21:00:00Z')).toBe('2026-11-30T06:00:00.000Z');
    expect(until([everyNight, weekend], '2026-11-27T12:00:00Z')).toBe('2026-11-27T12:00:00.000Z');
  });

  test('end at a time that is not quiet, and never before now', () => {
    const time = constantFrom('00:00', '06:30', '12:00', '22:15');
    assert(
      property(time, time, integer({ min: at('2026-01-01T00:00:00Z'), max: at('2026-12-31T00:00:00Z') }), (from, to, now) => {
        if (from === to) return;
        const hours: QuietHours[] = [{ from, to, timeZone: 'Europe/Berlin' }];
        const end = quietUntil(hours, now);
        expect(end).toBeGreaterThanOrEqual(now);
        expect(end - now).toBeLessThanOrEqual(25 * 3_600_000);
        expect(quietUntil(hours, end)).toBe(end);
      }),
      { numRuns: 60 },
    );
  });
});
