import { Cron } from 'croner';
import { weekDays, type WeekDay } from '../recovery/policy.ts';

/** Hours in which nothing is sent. `to` not after `from`: on the next day. */
export interface QuietHours {
  /** `HH:MM`. */
  from: string;
  to: string;
  /** On which they begin; each if absent. */
  days?: WeekDay[];
  /** IANA; UTC if absent. */
  timeZone?: string;
  /** What is critical goes through (default), or waits too. */
  critical?: 'through' | 'wait';
}

/** Quiet hours that follow each other are one; more than these would be all of the time, and are cut. */
const roundsMax = 14;

/** From when on it is not quiet: `at` itself, or the end of the quiet hours that it lies in. Epoch milliseconds. */
export function quietUntil(quietHours: readonly QuietHours[], at: number): number {
  let until = at;
  for (let round = 0; round < roundsMax; round++) {
    const ends = quietHours.map((hours) => endOf(hours, until)).filter((end) => end !== null);
    if (ends.length === 0) return until;
    until = Math.max(...ends);
  }
  return until;
}

/** When the quiet hours end in which `at` lies; null: it lies in none. */
function endOf({ from, to, days = [...weekDays], timeZone = 'UTC' }: QuietHours, at: number): number | null {
  const begins = cronOf(`${minuteAndHour(from)} * * ${days.map((day) => weekDays.indexOf(day)).join(',')}`, timeZone);
  // Croner gives times before a moment, and takes a moment by its second.
  const [begin] = begins.previousRuns(1, new Date(Math.floor(at / 1_000) * 1_000 + 1_000));
  if (begin === undefined) return null;
  const end = cronOf(`${minuteAndHour(to)} * * *`, timeZone)
    .nextRun(begin)!
    .getTime();
  return end > at ? end : null;
}

function minuteAndHour(time: string): string {
  return `${Number(time.slice(3))} ${Number(time.slice(0, 2))}`;
}

export function cronOf(cron: string, timezone: string): Cron {
  // Where the clock goes forward, what falls into the gap comes at its end; where it goes back, it comes once.
  return new Cron(cron, { mode: '5-part', timezone, paused: true, fixedTimeRule: 'no-wildcard' });
}
