import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { latest, nextAfter, rhythmOf, upcoming, type RhythmManifest } from './rhythm.ts';

const at = (text: string): number => Date.parse(text);
const times = (manifest: RhythmManifest, after: string, count: number): string[] =>
  upcoming(rhythmOf(manifest), count, at(after)).map((time) => new Date(time).toISOString());
const berlin = { timeZone: 'Europe/Berlin' };

test('a local time that the clock skips comes once, when the clock has jumped', () => {
  expect(times({ cron: '30 2 * * *', ...berlin }, '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ]);
  expect(times({ cron: '0,30 2,14 * * *', ...berlin }, '2026-03-28T20:00:00Z', 3)).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-29T12:00:00.000Z',
    '2026-03-29T12:30:00.000Z',
  ]);
});

test('a local time that comes twice fires once, the first time', () => {
  expect(times({ cron: '30 2 * * *', ...berlin }, '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ]);
});

test('what comes every hour or so many minutes neither jumps nor stands still when the clock changes', () => {
  const hourly = (after: string): number[] => {
    const found = upcoming(rhythmOf({ cron: '*/30 * * * *', ...berlin }), 8, at(after));
    return found.slice(1).map((time, index) => time - (found[index] as number));
  };
  expect(new Set(hourly('2026-03-29T00:00:00Z'))).toEqual(new Set([1_800_000]));
  expect(new Set(hourly('2026-10-25T00:00:00Z'))).toEqual(new Set([1_800_000]));
});

test('@daily is midnight of the zone; every counts from start, and from the epoch', () => {
  expect(times({ cron: '@daily', ...berlin }, '2026-07-01T00:00:00Z', 1)).toEqual(['2026-07-01T22:00:00.000Z']);
  expect(times({ every: '6h', start: '2026-07-01T01:00:00Z' }, '2026-06-01T00:00:00Z', 2)).toEqual([
    '2026-07-01T01:00:00.000Z',
    '2026-07-01T07:00:00.000Z',
  ]);
  expect(times({ every: '6h' }, '2026-07-01T01:00:00Z', 1)).toEqual(['2026-07-01T06:00:00.000Z']);
});

test('start and end bound it, both included', () => {
  const bounded = { cron: '0 * * * *', start: '2026-07-01T02:00:00Z', end: '2026-07-01T03:00:00Z' };
  expect(times(bounded, '2026-07-01T00:00:00Z', 5)).toEqual(['2026-07-01T02:00:00.000Z', '2026-07-01T03:00:00.000Z']);
  expect(latest(rhythmOf(bounded), 5, at('2026-07-02T00:00:00Z'))).toHaveLength(2);
  expect(latest(rhythmOf(bounded), 5, at('2026-07-01T01:59:59Z'))).toEqual([]);
});

test.each<[RhythmManifest, string, RegExp]>([
  [{ cron: '61 * * * *' }, '/cron', /minute: 61/],
  [{ cron: '0 25 * * *' }, '/cron', /hour: 25/],
  [{ cron: '* * * *' }, '/cron', /five fields/],
  [{ cron: '* * * * * *' }, '/cron', /five fields/],
  [{ cron: '@reboot' }, '/cron', /five fields/],
  [{ cron: '2026-01-01T00:00:00' }, '/cron', /five fields/],
  [{ cron: '0 0 31 2 *' }, '/cron', /never comes/],
  [{}, '/cron', /one of the two/],
  [{ cron: '@daily', every: '1h' }, '/cron', /one of the two/],
  [{ every: '10ms' }, '/every', /1s to 366d/],
  [{ cron: '@daily', timeZone: 'Mars/Base' }, '/timeZone', /no time zone Mars\/Base/],
  [{ cron: '@daily', timeZone: '+02:00' }, '/timeZone', /no time zone/],
  [{ cron: '@daily', start: '2026-07-01 00:00' }, '/start', /with its offset/],
  [{ cron: '@daily', start: '2026-07-02T00:00:00Z', end: '2026-07-01T00:00:00Z' }, '/end', /before start/],
])('%j is refused at %s', (manifest, pointer, detail) => {
  const errors = [{ pointer, detail: expect.stringMatching(detail) as unknown }];
  expect(() => rhythmOf(manifest)).toThrow(expect.objectContaining({ code: 'invalid', errors }));
});

test('looking back finds what looking forward gave, in every zone and across every change of the clock', () => {
  const field = (max: number): fc.Arbitrary<string> =>
    fc.oneof(fc.constant('*'), fc.constantFrom('*/7', '*/15'), fc.integer({ min: 0, max }).map(String));
  const rhythm = fc.record({
    cron: fc.tuple(field(59), field(23)).map(([minute, hour]) => `${minute} ${hour} * * *`),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'America/Santiago'),
  });
  fc.assert(
    fc.property(rhythm, fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') }), (manifest, after) => {
      const found = upcoming(rhythmOf(manifest), 5, after);
      expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
      expect(latest(rhythmOf(manifest), 5, found.at(-1) as number).reverse()).toEqual(found);
      expect(nextAfter(rhythmOf(manifest), (found[0] as number) - 1)).toBe(found[0]);
    }),
    { numRuns: 150 },
  );
});
