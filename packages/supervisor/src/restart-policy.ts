/** When what ended is started again, and when that is given up. */
export interface RestartPolicy {
  /** The first pause. */
  initialMs: number;
  factor: number;
  /** No pause is longer. */
  maxMs: number;
  /** Share of the pause that chance takes off, so that many do not start at once: 0 to 1. */
  jitter: number;
  /** A run of at least this length was healthy: the pauses begin anew. */
  stableAfterMs: number;
  /** This many ends within `withinMs` are a crash loop, which stops. 0: never. */
  crashesMax: number;
  withinMs: number;
}

export const restartDefaults: RestartPolicy = {
  initialMs: 250,
  factor: 2,
  maxMs: 30_000,
  jitter: 0.3,
  stableAfterMs: 30_000,
  crashesMax: 6,
  withinMs: 120_000,
};

/** What is remembered of one child's ends. Times in epoch milliseconds. */
export interface RestartHistory {
  /** Starts after the first. */
  restarts: number;
  /** Ends since it last ran well. */
  failures: number;
  /** The latest ends, at most `crashesMax`. */
  ends: readonly number[];
}

export const noHistory: RestartHistory = { restarts: 0, failures: 0, ends: [] };

export type RestartDecision = { kind: 'retry'; at: number } | { kind: 'give-up'; because: string };

/** What follows an end at `now` of a run that began at `startedAt`; `chance` is a number from 0 to 1. */
export function afterEnd(
  history: RestartHistory,
  policy: RestartPolicy,
  run: { startedAt: number | null; now: number; chance: number },
): { history: RestartHistory; decision: RestartDecision } {
  const { startedAt, now, chance } = run;
  const wasStable = startedAt !== null && now - startedAt >= policy.stableAfterMs;
  const failures = wasStable ? 1 : history.failures + 1;
  const recent = history.ends.filter((end) => end > now - policy.withinMs);
  const ends = policy.crashesMax === 0 ? [] : [...recent, now].slice(-policy.crashesMax);
  const next = { restarts: history.restarts, failures, ends };
  if (policy.crashesMax > 0 && ends.length >= policy.crashesMax) {
    const seconds = Math.max(1, Math.round((now - ends[0]!) / 1_000));
    return { history: next, decision: { kind: 'give-up', because: `it ended ${ends.length} times within ${seconds} s` } };
  }
  const pause = Math.min(policy.maxMs, policy.initialMs * policy.factor ** Math.min(failures - 1, 64));
  const at = now + Math.round(pause * (1 - policy.jitter * chance));
  return { history: { ...next, restarts: history.restarts + 1 }, decision: { kind: 'retry', at } };
}
