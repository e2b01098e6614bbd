import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatClock, formatDays, formatExact, formatRelative, formatSlack, formatSpan, formatWholeSpan } from './time.ts';

test.each([
  [0, '0 ms'],
  [0.42, '0.4 ms'],
  [320, '320 ms'],
  [999.6, '1.00 s'],
  [2_840, '2.84 s'],
  [9_996, '10.0 s'],
  [12_400, '12.4 s'],
  [59_960, '1 min'],
  [200_000, '3 min 20 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [3 * 86_400_000 + 4 * 3_600_000, '3 d 4 h'],
  [-5, '0 ms'],
])('a span of %d ms reads %s', (ms, text) => {
  expect(formatSpan(ms)).toBe(text);
});

test('every span has a unit and no span reads 60 seconds or 60 minutes', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (ms) => {
      const text = formatSpan(ms);
      expect(text).toMatch(/ (?:ms|s|min|h|d)$/);
      expect(text).not.toMatch(/\b60(?:\.0+)? (?:s|min)\b/);
    }),
  );
});

test('what counts up shows whole seconds', () => {
  expect(formatWholeSpan(12_900)).toBe('12 s');
  expect(formatWholeSpan(200_900)).toBe('3 min 20 s');
  expect(formatWholeSpan(-1)).toBe('0 s');
});

test.each([
  [0, 'just now'],
  [2_000, '2 s ago'],
  [200_000, '3 min ago'],
  [5 * 3_600_000, '5 h ago'],
  [2 * 86_400_000, '2 d ago'],
  [-240_000, 'in 4 min'],
])('a moment %d ms away reads %s', (distance, text) => {
  const now = Date.UTC(2026, 10, 24);
  expect(formatRelative(new Date(now - distance).toISOString(), now)).toBe(text);
  expect(formatRelative(now - distance, now)).toBe(text);
});

test('what is no moment says so or stays as it came', () => {
  expect(formatRelative('soon', 0)).toBe('at an unknown time');
  expect(formatExact('soon')).toBe('soon');
  expect(formatClock('soon')).toBe('soon');
});

test('the exact moment has its zone and milliseconds', () => {
  expect(formatExact('2026-11-24T07:13:22.123Z', 'UTC')).toBe('24 Nov 2026, 07:13:22.123 UTC');
  expect(formatClock('2026-11-24T15:02:11.204Z', 'UTC')).toBe('15:02:11.204');
});

test('days read as a range, one day, or a span where they are less', () => {
  expect(formatDays([4, 5])).toBe('4–5 days');
  expect(formatDays([1, 1])).toBe('1 day');
  expect(formatDays([0.5, 1.5])).toBe('0.5–1.5 days');
  expect(formatDays([0, 0])).toBe('0 days');
  expect(formatDays([0.001, 0.002])).toBe('under 2 min 53 s');
});

test('slack has one decimal and its unit', () => {
  expect([formatSlack(0), formatSlack(-0.01), formatSlack(0.7), formatSlack(4.5)]).toEqual(['0 d', '0 d', '0.7 d', '4.5 d']);
});
