import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { tell } from '../src/cli/failure.ts';
import { cleanLine, cleanText, cut, displayWidth, safeJson } from '../src/cli/text/clean.ts';
import { ago, between, bytes, count, dayRange, duration, percent } from '../src/cli/text/figures.ts';
import { bold, join, line, red } from '../src/cli/text/styled.ts';
import { table } from '../src/cli/text/table.ts';

const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

const nasty = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\u001b', '[', ']', '31m', '\u0007', '\u009b', '\u202e', '\r', '\n', 'P', '\\'),
  ),
});

test('no text brings a control code to the terminal, whatever it is', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      expect(cleanText(text)).not.toMatch(steering);
      expect(cleanLine(text)).not.toMatch(/[\n\t]/);
      expect(
        join([text, red(text)])
          .render(true)
          .replace(/\u001b\[(?:31|39)m/g, ''),
      ).not.toMatch(steering);
      const json = safeJson({ [text]: text });
      expect(json).not.toMatch(steering);
      expect(JSON.parse(json)).toEqual({ [text]: text });
    }),
  );
});

test('escape sequences go as a whole, line ends become one kind', () => {
  expect(cleanText('a\u001b[1;31mb\u001b[0mc\u001b]8;;http://x\u0007link\u001b]8;;\u001b\\ d\u001b(B\u009b2Je')).toBe('abclink de');
  expect(cleanText('a\r\nb\rc\u2028d')).toBe('a\nb\nc\nd');
  expect(cleanLine('a \n b\tc')).toBe('a b c');
  expect(safeJson(undefined)).toBe('null');
});

test('widths count columns, and cutting keeps to them', () => {
  expect(displayWidth('aé漢字😀e\u0301')).toBe(9);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, columns) => {
      expect(displayWidth(cut(text, columns))).toBeLessThanOrEqual(Math.max(columns, 1));
      const styled = line`${text}${bold(text)}`;
      expect(styled.cut(columns).width).toBeLessThanOrEqual(columns);
      if (styled.width <= columns) expect(styled.cut(columns)).toBe(styled);
    }),
  );
  expect(line`${'abc'}${red('def')}`.cut(4).text).toBe('abc…');
  expect(line`${'abc'}${red('def')}`.cut(3).text).toBe('ab…');
});

test('a table keeps to the terminal by its flexible column', () => {
  const columns = [
    { title: 'NAME', cell: (row: { name: string; text: string }) => row.name },
    { title: 'TEXT', cell: (row: { text: string }) => row.text, isFlexible: true },
  ];
  const rows = [{ name: 'a', text: 'some longer text that does not fit' }];
  expect(table(columns, rows, 30).map((one) => one.text.trimEnd())).toEqual(['NAME  TEXT', 'a     some longer text that d…']);
  expect(table(columns, rows, 5)[1]?.text).toBe('a     some longer…');
});

test('figures are short and have units', () => {
  expect([0, 9_994, 12_345, 61_000, 3_700_000, 90_000_000, -5].map(duration)).toEqual([
    '0.00 s',
    '9.99 s',
    '12.3 s',
    '1 min 1 s',
    '1 h 2 min',
    '1 d 1 h',
    '0.00 s',
  ]);
  const now = Date.parse('2026-11-24T12:00:00Z');
  expect([5, 90, 7_200, 200_000, -9].map((s) => ago(new Date(now - s * 1000).toISOString(), now))).toEqual([
    '5 s ago',
    '1 min ago',
    '2 h ago',
    '2 d ago',
    '0 s ago',
  ]);
  expect([ago(null, now), between(undefined, null, now), between('2026-11-24T11:59:59Z', null, now)]).toEqual(['', '', '1.00 s']);
  expect([0, 1023, 1536, 20 * 1024 ** 2, 3 * 1024 ** 5].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '20 MiB', '3072 TiB']);
  expect([percent(0.426), count(1, 'step'), count(2, 'step')]).toEqual(['43 %', '1 step', '2 steps']);
  expect([dayRange([1, 2]), dayRange([0.5, 0.5]), dayRange([0, 0.01])]).toEqual(['1.0 to 2.0 d', '12.0 h', '0.0 to 14.4 min']);
});

test('whatever is thrown is told', () => {
  expect(tell('text')).toMatchObject({ exit: 1, message: 'text' });
  expect(tell(new Error('broken'))).toMatchObject({ exit: 1, message: 'broken', next: expect.stringContaining('report it') });
});
