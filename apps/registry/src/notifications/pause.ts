const pauseMaxMs = 3_600_000;

/** The pause after an attempt (from 1), in milliseconds: doubled each time up to an hour, of which a random half may be missing, so that what failed together does not come back together. */
export function pauseAfter(attempt: number, firstMs: number, random: number): number {
  const whole = Math.min(firstMs * 2 ** Math.min(attempt - 1, 30), pauseMaxMs);
  return Math.round(whole * (0.5 + random / 2));
}
