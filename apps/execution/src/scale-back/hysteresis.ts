/** What was seen of a workflow's capacity so far. Moments of one monotonic clock, in milliseconds. */
export interface Seen {
  isShort: boolean;
  /** Since when it is so without a break. */
  since: number;
  isScaledBack: boolean;
}

export interface Look {
  at: number;
  isShort: boolean;
  /** As it stands, whoever did it. */
  isScaledBack: boolean;
}

/** What follows from a look: scaling back and its end, each only after what it takes has lasted without a break since the last of them. */
export function turnOf(
  before: Seen | undefined,
  { at, isShort, isScaledBack }: Look,
  { afterMs, restoreMs }: { afterMs: number; restoreMs: number },
): { seen: Seen; move?: 'begin' | 'end' } {
  const isOn = before?.isShort === isShort && before.isScaledBack === isScaledBack;
  const since = isOn ? before.since : at;
  const seen = { isShort, since, isScaledBack };
  if (isShort === isScaledBack) return { seen };
  if (at - since < (isShort ? afterMs : restoreMs)) return { seen };
  return { seen, move: isShort ? 'begin' : 'end' };
}
