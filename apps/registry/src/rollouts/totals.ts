import { durationRangesMax, type VersionMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import type { RolloutFigures } from '@signalbox/shared/contracts/registry/rollout.js';

/** How the calls of one version went, added up. */
export interface Totals {
  succeeded: number;
  failed: number;
  totalMs: number;
  costUsd: number;
  /** How many took so long, by range: see `durationRange`. */
  durations: number[];
}

export function noTotals(): Totals {
  return { succeeded: 0, failed: 0, totalMs: 0, costUsd: 0, durations: [] };
}

export function callsOf({ succeeded, failed }: Totals): number {
  return succeeded + failed;
}

export function sumOf(one: Totals, other: Omit<VersionMeasure, 'agent' | 'version'>): Totals {
  const ranges = Math.min(durationRangesMax, Math.max(one.durations.length, other.durations.length));
  return {
    succeeded: one.succeeded + other.succeeded,
    failed: one.failed + other.failed,
    totalMs: one.totalMs + other.totalMs,
    costUsd: one.costUsd + other.costUsd,
    durations: Array.from({ length: ranges }, (_, range) => (one.durations[range] ?? 0) + (other.durations[range] ?? 0)),
  };
}

/** Below which this share of the durations lies, in milliseconds: the middle of its range, a tenth beside the truth at most. */
export function percentileOf(durations: readonly number[], share: number): number {
  let left = share * durations.reduce((sum, count) => sum + count, 0);
  const range = durations.findIndex((count) => (left -= count) <= 0);
  return range <= 0 ? 1 : 1.2 ** (range - 0.5);
}

export function figuresOf(version: number, totals: Totals): RolloutFigures {
  const calls = callsOf(totals);
  if (calls === 0) return { version, calls, failed: 0 };
  return {
    version,
    calls,
    failed: totals.failed,
    errorRate: totals.failed / calls,
    latencyP95Ms: percentileOf(totals.durations, 0.95),
    latencyMeanMs: totals.totalMs / calls,
    costUsd: totals.costUsd / calls,
  };
}
