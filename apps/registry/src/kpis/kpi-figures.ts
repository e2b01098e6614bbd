import type { Kpi, KpiBurn, KpiPoint } from '@signalbox/shared/contracts/registry/kpi.js';
import type { KpiName, KpiWindow } from '@signalbox/shared/contracts/registry/kpi-names.js';
import { addBuckets, countAbove, quantile } from '@signalbox/shared/kpi/histogram.js';
import { measures, type Target } from './kpi-targets.ts';

/** What was measured within a time. */
export interface Sums {
  count: number;
  bad: number;
  sum: number;
  buckets: number[];
}

/** The same, of the time that begins at `at`, epoch milliseconds. */
export interface Bucket extends Sums {
  kpi: KpiName;
  width: Width;
  at: number;
}

export const widths = ['minute', 'hour', 'day'] as const;
export type Width = (typeof widths)[number];

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const widthMs: Record<Width, number> = { minute: minuteMs, hour: hourMs, day: dayMs };

/** How long each is kept: what windows and burn rates need, and days for comparison over a year. */
export const keptMs: Record<Width, number> = { minute: 8 * hourMs, hour: 9 * dayMs, day: 400 * dayMs };

/** A window: how long, of which buckets, and how long one point of its line is. */
export const windows: Record<KpiWindow, { ms: number; width: Width; pointMs: number }> = {
  '1h': { ms: hourMs, width: 'minute', pointMs: minuteMs },
  '6h': { ms: 6 * hourMs, width: 'minute', pointMs: 5 * minuteMs },
  '1d': { ms: dayMs, width: 'hour', pointMs: hourMs },
  '7d': { ms: 7 * dayMs, width: 'hour', pointMs: 3 * hourMs },
  '30d': { ms: 30 * dayMs, width: 'day', pointMs: dayMs },
};

/**
 * Pairs of windows with the rate from which on people are told, for a budget of 30 days (Google SRE Workbook, chapter 5, "Alerting on SLOs"): 2 % of the
 * budget within 1 hour, 5 % within 6, 10 % within 3 days; the short window says that it still goes on.
 */
export const burnPairs = [
  { long: '1h', longMs: hourMs, short: '5m', shortMs: 5 * minuteMs, width: 'minute', threshold: 14.4, urgency: 'page' },
  { long: '6h', longMs: 6 * hourMs, short: '30m', shortMs: 30 * minuteMs, width: 'minute', threshold: 6, urgency: 'page' },
  { long: '3d', longMs: 3 * dayMs, short: '6h', shortMs: 6 * hourMs, width: 'hour', threshold: 1, urgency: 'ticket' },
] as const;

/** With fewer, one that is bad says nothing of a rate. */
const burnCountMin = 20;

/** When the first bucket begins that counts for a time up to now. */
export function beginOf(ms: number, width: Width, now: number): number {
  return Math.floor(now / widthMs[width]) * widthMs[width] + widthMs[width] - ms;
}

export function sumOf(buckets: readonly Sums[]): Sums {
  const all: Sums = { count: 0, bad: 0, sum: 0, buckets: [] };
  for (const one of buckets) {
    all.count += one.count;
    all.bad += one.bad;
    all.sum += one.sum;
    addBuckets(all.buckets, one.buckets);
  }
  return all;
}

/** How many were bad: failed, or beyond the target. */
function badOf(kpi: KpiName, sums: Sums, target: Target | null): number {
  if (measures[kpi].unit === 'share') return sums.bad;
  return target === null ? 0 : countAbove(sums.buckets, target.target);
}

function valueOf(kpi: KpiName, { count, bad, sum }: Sums): number | null {
  if (count === 0) return null;
  const { unit, isHigh } = measures[kpi];
  if (unit !== 'share') return sum / count;
  return isHigh ? (count - bad) / count : bad / count;
}

/** One KPI within a window, from buckets that reach back far enough for it and for its burn rates. */
export function kpiOf(name: KpiName, window: KpiWindow, target: Target | null, buckets: readonly Bucket[], now: number): Kpi {
  const { ms, width, pointMs } = windows[window];
  const from = beginOf(ms, width, now);
  const own = buckets.filter((bucket) => bucket.kpi === name);
  const within = own.filter((bucket) => bucket.width === width && bucket.at >= from);
  const sums = sumOf(within);
  const value = valueOf(name, sums);
  const { unit, isHigh } = measures[name];
  const bad = badOf(name, sums, target);
  const isJudged = target !== null && value !== null;
  const budget = target === null ? 0 : 1 - target.within;
  return {
    name,
    unit,
    count: sums.count,
    bad,
    value,
    p50: unit === 'share' ? null : quantile(sums.buckets, 0.5),
    p99: unit === 'share' ? null : quantile(sums.buckets, 0.99),
    target: target?.target ?? null,
    within: target?.within ?? null,
    objective: target?.objective ?? null,
    met: isJudged ? (isHigh ? value >= target.target : value <= target.target) : null,
    budgetLeft: isJudged ? budgetLeft(bad / sums.count, budget) : null,
    burn: target === null ? [] : burnPairs.map((pair) => burnOf(name, pair, own, target, now)),
    points: pointsOf(name, within, from, pointMs, ms),
  };
}

/** Of a budget of nothing, all is left as long as nothing is bad. */
function budgetLeft(share: number, budget: number): number {
  return share === 0 ? 1 : budget <= 0 ? -1 : 1 - share / budget;
}

function burnOf(name: KpiName, pair: (typeof burnPairs)[number], own: readonly Bucket[], target: Target, now: number): KpiBurn {
  const { long, longMs, short, shortMs, width, threshold } = pair;
  const rateOf = (ms: number): { rate: number; count: number } => {
    const from = beginOf(ms, width, now);
    const sums = sumOf(own.filter((bucket) => bucket.width === width && bucket.at >= from));
    // A budget of nothing is used up by the first: a rate beyond all thresholds, but a number.
    const budget = Math.max(1 - target.within, 1e-6);
    return { rate: sums.count === 0 ? 0 : badOf(name, sums, target) / sums.count / budget, count: sums.count };
  };
  const longOne = rateOf(longMs);
  const shortOne = rateOf(shortMs);
  // What began within the short window is no rate of the long one: the cold first minute of an installation is not three days.
  const shortFrom = beginOf(shortMs, width, now);
  const isLong = own.some((bucket) => bucket.width === width && bucket.at < shortFrom && bucket.at >= beginOf(longMs, width, now));
  const burning = isLong && longOne.count >= burnCountMin && longOne.rate >= threshold && shortOne.rate >= threshold;
  return { long, short, longRate: longOne.rate, shortRate: shortOne.rate, threshold, burning };
}

function pointsOf(name: KpiName, within: readonly Bucket[], from: number, pointMs: number, ms: number): KpiPoint[] {
  const byPoint = Map.groupBy(within, ({ at }) => Math.floor((at - from) / pointMs));
  return Array.from({ length: Math.round(ms / pointMs) }, (_, point) => {
    const sums = sumOf(byPoint.get(point) ?? []);
    return { at: new Date(from + point * pointMs).toISOString(), count: sums.count, value: valueOf(name, sums) };
  });
}

/** The most urgent pair of windows that says a budget burns too fast; null: none does. */
export function urgencyOf({ burn }: Pick<Kpi, 'burn'>): { urgency: 'page' | 'ticket'; burn: KpiBurn } | null {
  const at = burn.findIndex(({ burning }) => burning);
  return at === -1 ? null : { urgency: burnPairs[at]!.urgency, burn: burn[at]! };
}
