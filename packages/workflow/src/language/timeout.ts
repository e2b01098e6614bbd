import { durationMs } from '../core/duration.ts';

const timeoutMaxMs = 30 * 86_400_000;

/** A timeout as milliseconds, 30 days at most; the schema has seen to its form. */
export function timeoutMs(duration: string | number): number {
  return Math.min(durationMs(duration) ?? 0, timeoutMaxMs);
}
