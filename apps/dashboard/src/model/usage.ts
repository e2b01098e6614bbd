import type { UsageBucket, UsageGroup, UsageRow, UsageSums } from '@signalbox/sdk/client/usage.js';
import { counted, formatCount, formatUsd } from './text.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The times that the page offers: how far back, and in which parts. */
export const spans = {
  '30d': { label: '30 days', backMs: 30 * dayMs, bucket: 'day', words: 'the last 30 days' },
  '7d': { label: '7 days', backMs: 7 * dayMs, bucket: 'day', words: 'the last 7 days' },
  '24h': { label: '24 hours', backMs: dayMs, bucket: 'hour', words: 'the last 24 hours' },
} as const satisfies Record<string, { label: string; backMs: number; bucket: UsageBucket; words: string }>;

export type Span = keyof typeof spans;

/** When the first whole part of a time begins, ISO 8601: the same for an hour, so that what was asked is not asked anew. */
export function beginOf(span: Span, now: number): string {
  const { backMs, bucket } = spans[span];
  const partMs = bucket === 'day' ? dayMs : hourMs;
  return new Date(Math.floor((now - backMs) / partMs) * partMs + partMs).toISOString();
}

/** One bar of the chart. */
export interface UsageBar {
  at: string;
  /** From 0 to 1, of the highest. */
  share: number;
  text: string;
}

/** Bars of each part of the time, those with nothing too: of cost, or of tokens where nothing cost anything. */
export function barsOf(rows: readonly UsageRow[], from: string, to: string, bucket: 'hour' | 'day'): UsageBar[] {
  const partMs = bucket === 'day' ? dayMs : hourMs;
  const byTime = new Map(rows.map((row) => [Date.parse(row.at ?? from), row]));
  const value = heightOf(rows);
  const highest = Math.max(...rows.map(value), 0);
  const bars: UsageBar[] = [];
  for (let at = Math.floor(Date.parse(from) / partMs) * partMs; at < Date.parse(to) && bars.length < 100; at += partMs) {
    const row = byTime.get(at);
    const time = new Date(at).toISOString();
    const text = `${bucket === 'day' ? time.slice(0, 10) : `${time.slice(0, 10)} ${time.slice(11, 16)}`} UTC: ${row ? sumsText(row) : 'nothing'}`;
    bars.push({ at: time, share: row && highest > 0 ? value(row) / highest : 0, text });
  }
  return bars;
}

/** What the bars are high by. */
export function chartWord(rows: readonly UsageSums[]): 'Cost' | 'Tokens' {
  return rows.some(({ costUsd }) => costUsd > 0) ? 'Cost' : 'Tokens';
}

function heightOf(rows: readonly UsageSums[]): (row: UsageSums) => number {
  return chartWord(rows) === 'Cost' ? ({ costUsd }) => costUsd : tokensOf;
}

export function tokensOf({ inputTokens, outputTokens }: UsageSums): number {
  return inputTokens + outputTokens;
}

/** `$1.20, 4,000 tokens, 12 calls`. */
export function sumsText(sums: UsageSums): string {
  return `${formatUsd(sums.costUsd)}, ${counted(tokensOf(sums), 'token')}, ${counted(sums.attempts, 'call')}`;
}

/** One sentence of what was used. */
export function usageSentence(total: UsageSums, span: Span): string {
  if (total.attempts === 0) return `Nothing told what it used in ${spans[span].words}.`;
  return `${counted(total.attempts, 'call')} used ${formatCount(tokensOf(total))} tokens and cost ${formatUsd(total.costUsd)} in ${spans[span].words}.`;
}

/** What has no name of its group. */
export const unnamed: Record<UsageGroup, string> = {
  workflow: '',
  agent: 'No agent: models and tools',
  model: 'No model: agents and tools',
};
