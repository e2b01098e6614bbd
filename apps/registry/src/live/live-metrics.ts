import { quantile } from '@signalbox/shared/kpi/histogram.js';
import { sumOf, type Sums } from '../kpis/kpi-figures.ts';
import type { AgentManifest } from '../manifests/manifest.ts';

/** Calls that a version must have had within the time, before they say how it does. */
export const callsMin = 20;
/** How far back calls count. */
export const callsDays = 7;

/** What was measured, and in words what is wrong or lacks. */
export interface LiveMetrics {
  metrics: Record<string, number>;
  findings: string[];
}

/** How the calls of a version went; null: they are too few to say. */
export function performanceOf(hours: readonly Sums[]): LiveMetrics | null {
  const { count, bad, sum, buckets } = sumOf(hours);
  if (count < callsMin) return null;
  return {
    metrics: {
      'performance.calls': count,
      'performance.latencyMeanMs': sum / count,
      'performance.latencyP95Ms': quantile(buckets, 0.95) ?? 0,
      'performance.errorRate': bad / count,
      // Of the time that was worked: how much is asked of it does not count.
      'performance.throughputPerSecond': (count - bad) / Math.max(sum / 1_000, 0.001),
    },
    findings: [],
  };
}

/** Whether a manifest bounds what its agent may do, and says what follows when it fails. */
export function securityOf({ spec }: AgentManifest): LiveMetrics {
  const lacks = [
    ...(spec.timeoutMs === undefined ? ['spec.timeoutMs: how long a task may take'] : []),
    ...(spec.concurrency === undefined ? ['spec.concurrency: how many tasks it may have at once'] : []),
    ...(spec.recovery === undefined ? ['spec.recovery: what follows when an instance fails, and who is told'] : []),
  ];
  const isPinned = spec.mcp === undefined || (spec.mcp.tools ?? []).length > 0;
  return {
    metrics: { 'security.policiesPresent': lacks.length === 0 ? 1 : 0, 'security.toolsPinned': isPinned ? 1 : 0 },
    findings: [
      ...lacks.map((lack) => `the manifest says nothing of ${lack}`),
      ...(isPinned ? [] : [`spec.mcp.tools: it may use whatever ${spec.mcp!.server} offers, also what that adds later`]),
    ],
  };
}
