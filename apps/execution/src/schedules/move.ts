import { latest, type Rhythm } from './rhythm.ts';

/** Which of the times that passed while nobody was there are started: at most `max`, the latest, none older than `windowMs`. */
export interface CatchUp {
  windowMs: number;
  max: number;
}

/** A time is on time for this long: within it, a schedule that catches nothing up still starts. */
export const onTimeMs = 60_000;

/** What is to be done about times that are due. */
export interface Move {
  /** The time to start; null: none. */
  fire: number | null;
  /** Times before it that are not started any more. */
  missed: { from: number; to: number } | null;
}

/** The next thing to do for a schedule whose next time is `nextTime`, at `at`; null: nothing is due. All epoch milliseconds. */
export function nextMove(rhythm: Rhythm, { windowMs, max }: CatchUp, nextTime: number, at: number): Move | null {
  if (nextTime > at) return null;
  const from = Math.max(nextTime, at - Math.max(windowMs, onTimeMs));
  const fire = latest(rhythm, max, at).findLast((time) => time >= from) ?? null;
  if (fire === nextTime) return { fire, missed: null };
  const to = latest(rhythm, 1, fire === null ? at : fire - 1)[0] ?? nextTime;
  return { fire, missed: { from: nextTime, to: Math.max(to, nextTime) } };
}

/** How far a schedule's runs are put off, so that many of one hour do not come at once: always the same for one schedule. */
export function offsetOf(id: string, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  // The random end of a UUIDv7.
  return Number.parseInt(id.slice(-12), 16) % (jitterMs + 1);
}
