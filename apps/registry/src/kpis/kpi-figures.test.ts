import { describe, expect, test } from '@jest/globals';
import { bucketOf } from '@signalbox/shared/kpi/histogram.js';
import { kpiOf, urgencyOf, type Bucket, type Width } from './kpi-figures.ts';
import { targetOf, type Target } from './kpi-targets.ts';

const now = Date.parse('2026-11-27T10:30:30Z');
const promised = (name: Parameters<typeof targetOf>[0]): Target => targetOf(name, null, [])!;

/** So many minutes ago. */
function errorsAt(minutesAgo: number, count: number, bad: number): Bucket[] {
  const moment = now - minutesAgo * 60_000;
  const at = (ms: number): number => Math.floor(moment / ms) * ms;
  const sums = { count, bad, sum: 0, buckets: [] };
  return [
    { kpi: 'errors', width: 'minute', at: at(60_000), ...sums },
    { kpi: 'errors', width: 'hour', at: at(3_600_000), ...sums },
  ];
}

function latencies(width: Width, at: number, ...values: number[]): Bucket {
  const buckets: number[] = [];
  for (const value of values) {
    const bucket = bucketOf(value);
    while (buckets.length <= bucket) buckets.push(0);
    buckets[bucket]! += 1;
  }
  return { kpi: 'latency', width, at, count: values.length, bad: 0, sum: values.reduce((sum, value) => sum + value, 0), buckets };
}

describe('figures of a window', () => {
  test('are null where nothing was measured', () => {
    const kpi = kpiOf('latency', '1h', promised('latency'), [], now);
    expect(kpi).toMatchObject({ count: 0, value: null, p50: null, p99: null, met: null, budgetLeft: null, target: 100 });
    expect(kpi.points).toHaveLength(60);
    expect(urgencyOf(kpi)).toBeNull();
  });

  test('have mean, quantiles and the share beyond the target', () => {
    const minute = Math.floor(now / 60_000) * 60_000;
    const kpi = kpiOf('latency', '1h', promised('latency'), [latencies('minute', minute, 10, 20, 30, 200)], now);
    expect(kpi).toMatchObject({ count: 4, value: 65, bad: 1, met: true });
    expect(kpi.p99).toBeGreaterThan(160);
    expect(kpi.p99).toBeLessThanOrEqual(200);
    expect(kpi.budgetLeft).toBeCloseTo(1 - 0.25 / 0.05);
    expect(kpi.points.at(-1)).toEqual({ at: new Date(minute).toISOString(), count: 4, value: 65 });
  });

  test('are of the window alone', () => {
    const kpi = kpiOf('errors', '1h', promised('errors'), [...errorsAt(70, 1_000, 1_000), ...errorsAt(10, 1_000, 0)], now);
    expect(kpi).toMatchObject({ count: 1_000, value: 0, met: true, budgetLeft: 1 });
  });

  test('of shares that are to be high are the good share', () => {
    const bucket: Bucket = { ...errorsAt(1, 1_000, 2)[0]!, kpi: 'availability' };
    const kpi = kpiOf('availability', '1h', promised('availability'), [bucket], now);
    expect(kpi).toMatchObject({ value: 0.998, met: false });
    expect(kpi.budgetLeft).toBeCloseTo(-1);
  });
});

describe('a budget burns', () => {
  const burning = (...buckets: Bucket[][]): ReturnType<typeof urgencyOf> =>
    urgencyOf(kpiOf('errors', '1h', promised('errors'), buckets.flat(), now));

  test('too fast for a page where both windows say so', () => {
    expect(burning(errorsAt(10, 1_000, 0), errorsAt(2, 1_000, 40))).toMatchObject({ urgency: 'page', burn: { long: '1h' } });
    // The hour is bad, but it is over.
    expect(burning(errorsAt(50, 1_000, 0), errorsAt(25, 2_000, 30), errorsAt(2, 1_000, 0))).toMatchObject({
      urgency: 'page',
      burn: { long: '6h', short: '30m' },
    });
    expect(burning(errorsAt(40, 1_000, 15), errorsAt(2, 1_000, 0))?.urgency).not.toBe('page');
    expect(burning(errorsAt(2, 1_000, 0))).toBeNull();
  });

  test('slowly for a ticket', () => {
    expect(burning(errorsAt(500, 1_000, 0), errorsAt(100, 10_000, 20))).toMatchObject({ urgency: 'ticket', burn: { long: '3d' } });
  });

  test('not in the first minutes of an installation, whose long windows are no longer than the short ones', () => {
    expect(burning(errorsAt(0, 1_000, 100))).toBeNull();
    expect(burning(errorsAt(10, 1_000, 0), errorsAt(0, 1_000, 100))?.urgency).toBe('page');
  });

  test('not at all with so few that one is many', () => {
    expect(burning(errorsAt(2, 3, 1))).toBeNull();
  });
});

test('an objective takes the place of a promise', () => {
  const manifest = {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Objective',
    metadata: { name: 'mine' },
    spec: { kpi: 'errors', target: 0.05 },
  } as const;
  expect(targetOf('errors', null, [manifest])).toEqual({ target: 0.05, within: 0.95, objective: 'mine' });
  expect(targetOf('errors', 'analyst', [manifest])).toMatchObject({ objective: null });
  expect(targetOf('agent-errors', null, [manifest])).toBeNull();
});
