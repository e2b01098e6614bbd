const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A span as people read it, with its unit: `4 ms`, `2.84 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatSpan(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 0.95 && span > 0) return `${span.toFixed(1)} ms`;
  if (Math.round(span) < second) return `${Math.round(span)} ms`;
  if (span < 9.995 * second) return `${(span / second).toFixed(2)} s`;
  if (span < 59.95 * second) return `${(span / second).toFixed(1)} s`;
  const rounded = Math.round(span / second) * second;
  if (rounded < hour) return twoUnits(rounded, minute, 'min', second, 's');
  if (rounded < day) return twoUnits(rounded, hour, 'h', minute, 'min');
  return twoUnits(rounded, day, 'd', hour, 'h');
}

/** A span in whole seconds, for what counts up: `12 s`, `3 min 20 s`. */
export function formatWholeSpan(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / second));
  return whole < 60 ? `${whole} s` : formatSpan(whole * second);
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const whole = Math.floor(ms / large);
  const rest = Math.floor((ms - whole * large) / small);
  return rest === 0 ? `${whole} ${largeName}` : `${whole} ${largeName} ${rest} ${smallName}`;
}

/** How long ago or ahead a moment is, in its largest unit: `just now`, `2 s ago`, `in 4 min`. */
export function formatRelative(at: string | number, now: number): string {
  const moment = typeof at === 'number' ? at : Date.parse(at);
  if (Number.isNaN(moment)) return 'at an unknown time';
  const distance = now - moment;
  const span = Math.abs(distance);
  if (span < second) return 'just now';
  const text =
    span < minute
      ? `${Math.floor(span / second)} s`
      : span < hour
        ? `${Math.floor(span / minute)} min`
        : span < day
          ? `${Math.floor(span / hour)} h`
          : `${Math.floor(span / day)} d`;
  return distance > 0 ? `${text} ago` : `in ${text}`;
}

/** The exact moment in the given zone (by default the browser's), with milliseconds and the zone's name. */
export function formatExact(at: string | number, timeZone?: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return String(at);
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
    ...(timeZone !== undefined && { timeZone }),
  }).format(moment);
}

/** The clock time of a moment, as logs show it: `15:02:11.204`. */
export function formatClock(at: string | number, timeZone?: string): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return String(at);
  return new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    ...(timeZone !== undefined && { timeZone }),
  }).format(moment);
}

/** A range of days: `4–5 days`, `1 day`, `0.5 days`; below a fiftieth of a day the range is a span (`3–9 min`). */
export function formatDays([low, high]: readonly [number, number]): string {
  if (high * day < day / 50)
    return high <= 0 ? '0 days' : `under ${formatSpan(Math.max(second, Math.ceil((high * day) / second) * second))}`;
  const from = oneDecimal(low);
  const to = oneDecimal(high);
  return from === to ? `${to} ${to === '1' ? 'day' : 'days'}` : `${from}–${to} days`;
}

/** Slack in days: `0 d`, `0.7 d`, `4.5 d`. */
export function formatSlack(days: number): string {
  return `${Math.abs(days) < 0.05 ? '0' : days.toFixed(1)} d`;
}

function oneDecimal(value: number): string {
  const text = value.toFixed(1);
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}
