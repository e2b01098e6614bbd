/** The source of what the registry measures by itself. */
export const liveSource = 'live';

/** Metrics that it measures. */
export const liveMetrics: ReadonlySet<string> = new Set([
  'performance.latencyP95Ms',
  'performance.latencyMeanMs',
  'performance.errorRate',
  'performance.throughputPerSecond',
  'performance.calls',
  'security.policiesPresent',
  'security.toolsPinned',
]);
