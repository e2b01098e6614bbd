export const rolloutStrategies = ['all-at-once', 'rolling', 'canary', 'blue-green', 'shadow'] as const;
export type RolloutStrategy = (typeof rolloutStrategies)[number];

export const rolloutStatuses = ['progressing', 'paused', 'promoted', 'rolled-back', 'superseded'] as const;
/** `superseded`: another version was applied, or went back to, before it had ended. */
export type RolloutStatus = (typeof rolloutStatuses)[number];

/** What decides to which version a call goes: each by itself, all of a run alike, or all with the same value of a label of their runs. */
export const stickByPattern = /^(?:call|run|label:[A-Za-z0-9][A-Za-z0-9._/-]{0,62})$/;

/** Measures that are taken of calls as they end; others are read from evidence. */
export const liveMetrics = ['live.errorRate', 'live.latencyP95Ms', 'live.latencyMeanMs', 'live.costUsd'] as const;
export type LiveMetric = (typeof liveMetrics)[number];

/**
 * Measures that are taken of calls which the stable version had and the new one got as well. Beside them `mirror.score.GRADER` and, of the differences within pairs,
 * `.change`, `.changeLow`, `.changeHigh`, `.changeP`.
 */
export const mirrorMetrics = [
  'mirror.count',
  'mirror.skipped',
  'mirror.equal',
  'mirror.valid',
  'mirror.errorRate',
  'mirror.errorRateChange',
  'mirror.p50Ms',
  'mirror.p95Ms',
  'mirror.meanMs',
  'mirror.latencyChange',
  'mirror.costUsd',
] as const;
