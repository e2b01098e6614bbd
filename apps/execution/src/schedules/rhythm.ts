import { Fault, type FaultDetail } from '@signalbox/shared/errors/fault.js';
import { Cron } from 'croner';
import { durationMs } from '@signalbox/workflow/core/duration.js';

/** When a schedule is due. Times are epoch milliseconds. */
export interface Rhythm {
  cron?: string | undefined;
  everyMs?: number | undefined;
  /** IANA; `cron` is read in it. */
  timeZone: string;
  /** No time before it; `every` counts from it, else from the epoch. */
  start?: number | undefined;
  /** No time after it. */
  end?: number | undefined;
}

/** A rhythm as a person writes it. */
export interface RhythmManifest {
  cron?: string | undefined;
  every?: string | number | undefined;
  timeZone?: string | undefined;
  start?: string | undefined;
  end?: string | undefined;
}

const everyMinMs = 1_000;
const everyMaxMs = 366 * 86_400_000;
const cronPattern = /^(?:@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)|[^\s@]+(?:\s+[^\s@]+){4})$/i;
const instantPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * The rhythm of a manifest's fields at `pointer`. `invalid`, naming each field that is wrong: a cron that is none or never comes, an unknown
 * zone, an end before the start.
 */
export function rhythmOf(manifest: RhythmManifest, pointer = ''): Rhythm {
  const errors: FaultDetail[] = [];
  const wrong = (field: string, detail: string): undefined => void errors.push({ pointer: `${pointer}/${field}`, detail });
  const { cron, every, timeZone = 'UTC' } = manifest;
  if ((cron === undefined) === (every === undefined)) wrong('cron', 'must be given, or every: one of the two');
  const everyMs = every === undefined ? undefined : durationMs(every);
  if (every !== undefined && (everyMs === undefined || everyMs < everyMinMs || everyMs > everyMaxMs))
    wrong('every', 'must be 1s to 366d, as 30s, 15m, 6h or 1d');
  if (!isZone(timeZone)) wrong('timeZone', `there is no time zone ${timeZone.slice(0, 64)}: say it as Europe/Berlin or UTC`);
  const instant = (field: 'start' | 'end'): number | undefined => {
    const text = manifest[field];
    if (text === undefined) return undefined;
    const at = instantPattern.test(text) ? Date.parse(text) : NaN;
    return Number.isNaN(at) ? wrong(field, 'must be a time with its offset, as 2026-12-01T08:00:00Z') : at;
  };
  const start = instant('start');
  const end = instant('end');
  if (start !== undefined && end !== undefined && end < start) wrong('end', 'must not be before start');
  if (cron !== undefined) {
    const fault = cronFault(cron);
    if (fault !== null) wrong('cron', fault);
  }
  const [first] = errors;
  if (first) {
    throw new Fault('invalid', `${first.pointer}: ${first.detail}`, 'Correct it; docs/schedules.md says what a schedule may hold.', {
      errors,
    });
  }
  return { cron, everyMs, timeZone, start, end };
}

function cronFault(cron: string): string | null {
  if (!cronPattern.test(cron.trim()))
    return 'must have five fields (minute hour day month weekday), or be one of @hourly, @daily, @weekly, @monthly, @yearly';
  try {
    // The 31st of February, and the like.
    return new Cron(cron, { mode: '5-part', timezone: 'UTC', paused: true }).nextRun(new Date(0)) === null ? 'never comes' : null;
  } catch (error) {
    return (error as Error).message.replace(/^CronPattern: /, '');
  }
}

function isZone(timeZone: string): boolean {
  try {
    // An offset is a zone to Intl, but none that people mean: it has no summer.
    return /^[A-Za-z][A-Za-z0-9_+/-]*$/.test(timeZone) && Boolean(new Intl.DateTimeFormat('en', { timeZone }));
  } catch {
    return false;
  }
}

/** Patterns compiled, by zone. */
const compiledMax = 2_000;
const compiled = new Map<string, Cron>();

/**
 * A list or a range of hours is a fixed time too: where the clock goes forward, what falls into the gap comes at its end; where it goes back, it
 * comes once. `*` and steps are of the day that really was: they skip the gap and come in both hours.
 */
function cronOf(cron: string, timezone: string): Cron {
  const key = `${timezone} ${cron}`;
  const known = compiled.get(key);
  if (known) return known;
  if (compiled.size >= compiledMax) compiled.clear();
  const fresh = new Cron(cron, { mode: '5-part', timezone, paused: true, fixedTimeRule: 'no-wildcard' });
  compiled.set(key, fresh);
  return fresh;
}

/** The first time after `after`; null when none comes any more. */
export function nextAfter(rhythm: Rhythm, after: number): number | null {
  const { cron, everyMs, timeZone, start, end } = rhythm;
  const from = start === undefined ? after : Math.max(after, start - 1);
  let time: number | null;
  if (everyMs !== undefined) {
    const anchor = start ?? 0;
    time = anchor + (Math.floor((from - anchor) / everyMs) + 1) * everyMs;
  } else
    time =
      cronOf(cron as string, timeZone)
        .nextRun(new Date(from))
        ?.getTime() ?? null;
  return time === null || (end !== undefined && time > end) ? null : time;
}

/** The latest `count` times up to and with `upTo`, the newest first. */
export function latest(rhythm: Rhythm, count: number, upTo: number): number[] {
  const { cron, everyMs, timeZone, start, end } = rhythm;
  const last = end === undefined ? upTo : Math.min(upTo, end);
  const first = start ?? -Infinity;
  if (everyMs !== undefined) {
    const anchor = start ?? 0;
    const newest = anchor + Math.floor((last - anchor) / everyMs) * everyMs;
    return Array.from({ length: count }, (_, index) => newest - index * everyMs).filter((time) => time >= first);
  }
  // Croner gives times before a moment, and takes a moment by its second.
  return cronOf(cron as string, timeZone)
    .previousRuns(count, new Date(Math.floor(last / 1_000) * 1_000 + 1_000))
    .map((time) => time.getTime())
    .filter((time) => time >= first && time <= last);
}

/** The next `count` times after `after`. */
export function upcoming(rhythm: Rhythm, count: number, after: number): number[] {
  const times: number[] = [];
  for (let at = nextAfter(rhythm, after); at !== null && times.length < count; at = nextAfter(rhythm, at)) times.push(at);
  return times;
}
