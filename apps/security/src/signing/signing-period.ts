/** A signing key signs for a day. */
export const periodMs = 24 * 3_600_000;
/** The next key is there this long before it signs, the last one this long after: whoever has not read keys for an hour still verifies. */
export const overlapMs = 3_600_000;

/** The day that a moment is in, counted from the epoch. */
export function periodOf(atMs: number): number {
  return Math.floor(atMs / periodMs);
}

/** The periods whose keys are published at a moment: its own, and its neighbours near the border. */
export function publishedPeriods(atMs: number): number[] {
  const from = periodOf(atMs - overlapMs);
  const until = periodOf(atMs + overlapMs);
  return Array.from({ length: until - from + 1 }, (_, index) => until - index);
}
