import type { UsageRow } from '@signalbox/sdk/client/usage.js';
import { expect, test } from '@jest/globals';
import { barsOf, beginOf, chartWord, usageSentence } from './usage.ts';

const row = (at: string, costUsd: number, inputTokens = 10): UsageRow => ({
  at,
  workflow: null,
  agent: null,
  model: null,
  attempts: 1,
  inputTokens,
  outputTokens: 0,
  costUsd,
});

test('there is a bar of each day, as high as its cost, or its tokens where nothing cost anything', () => {
  const [from, to] = ['2026-11-24T00:00:00.000Z', '2026-11-26T11:00:00.000Z'];
  const rows = [row('2026-11-24T00:00:00.000Z', 2), row('2026-11-26T00:00:00.000Z', 1)];
  expect(barsOf(rows, from, to, 'day').map(({ share }) => share)).toEqual([1, 0, 0.5]);
  expect(barsOf(rows, from, to, 'day')[1]?.text).toBe('2026-11-25 UTC: nothing');
  const free = [row('2026-11-24T00:00:00.000Z', 0, 5), row('2026-11-25T00:00:00.000Z', 0, 10)];
  expect([chartWord(rows), chartWord(free)]).toEqual(['Cost', 'Tokens']);
  expect(barsOf(free, from, to, 'day').map(({ share }) => share)).toEqual([0.5, 1, 0]);
  expect(barsOf([], from, to, 'hour')).toHaveLength(59);
});

test('the time begins with a whole day or hour, and is told in a sentence', () => {
  const now = Date.parse('2026-11-26T10:20:00Z');
  expect(beginOf('7d', now)).toBe('2026-11-20T00:00:00.000Z');
  expect(beginOf('24h', now)).toBe('2026-11-25T11:00:00.000Z');
  expect(usageSentence(row('x', 1.5, 3_000), '7d')).toBe('1 call used 3,000 tokens and cost $1.50 in the last 7 days.');
  expect(usageSentence({ ...row('x', 0, 0), attempts: 0 }, '24h')).toBe('Nothing told what it used in the last 24 hours.');
});
