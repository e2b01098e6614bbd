import { expect, test } from '@jest/globals';
import { counted, formatBytes, formatCount, formatPercent, formatUsd, inert, listed, shortenMiddle } from './text.ts';

test('a long identifier keeps its beginning and its end', () => {
  expect(shortenMiddle('run_01jd4q7k2m')).toBe('run_01jd4q7k2m');
  expect(shortenMiddle('run_01jd4qzzzzzzzzzzzzzzzz7k2m')).toBe('run_01jd4qz…7k2m');
  expect(shortenMiddle('abcdefgh', 4)).toBe('ab…h');
});

test('counts have their nouns', () => {
  expect([counted(1, 'run'), counted(2, 'run'), counted(48_210, 'entity', 'entities')]).toEqual(['1 run', '2 runs', '48,210 entities']);
  expect(formatCount(1_000_000)).toBe('1,000,000');
});

test('lists end with and, and say how many more there are', () => {
  expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual(['', 'a', 'a and b', 'a, b and c']);
  expect(listed(['a', 'b', 'c', 'd', 'e', 'f'])).toBe('a, b, c and 3 more');
});

test('bytes and money are as fine as they need to be', () => {
  expect([formatBytes(0), formatBytes(599), formatBytes(1434), formatBytes(96 * 1024 ** 2), formatBytes(1024 ** 5)]).toEqual([
    '0 B',
    '599 B',
    '1.4 KiB',
    '96.0 MiB',
    '1024 TiB',
  ]);
  expect([formatUsd(0), formatUsd(0.006), formatUsd(0.00012), formatUsd(1.239)]).toEqual(['$0', '$0.006', '$0.00012', '$1.24']);
});

test('a share never rounds up to done', () => {
  expect([formatPercent(0), formatPercent(0.2), formatPercent(0.999), formatPercent(1), formatPercent(-1), formatPercent(7)]).toEqual([
    '0 %',
    '20 %',
    '99 %',
    '100 %',
    '0 %',
    '100 %',
  ]);
});

test('colours of terminals are dropped, and other control codes and bidirectional overrides are made visible', () => {
  expect(inert('\u001b[31mred\u001b[0m\ttab\nline')).toBe('red\ttab\nline');
  expect(inert('evil\u202Egnp.exe\u0007')).toBe('evil\ufffdgnp.exe\ufffd');
});
