/** `0.42 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 0) return duration(0);
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The time between two moments, or so far; empty where nothing began. */
export function between(start: string | null | undefined, end: string | null | undefined, now: number): string {
  if (start === null || start === undefined) return '';
  return duration((end ? Date.parse(end) : now) - Date.parse(start));
}

/** `12 s ago`, `3 min ago`, `5 h ago`, `2 d ago`. */
export function ago(moment: string | null | undefined, now: number): string {
  if (moment === null || moment === undefined) return '';
  const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** `in 12 s`, `in 3 min`, `in 5 h`, `in 2 d`; `now` for what is due. */
export function inTime(moment: string | null | undefined, now: number): string {
  if (moment === null || moment === undefined) return '';
  const seconds = Math.round((Date.parse(moment) - now) / 1000);
  if (seconds <= 0) return 'now';
  if (seconds < 60) return `in ${seconds} s`;
  if (seconds < 3600) return `in ${Math.round(seconds / 60)} min`;
  if (seconds < 86_400) return `in ${Math.round(seconds / 3600)} h`;
  return `in ${Math.round(seconds / 86_400)} d`;
}

/** `512 B`, `1.5 KiB`, `3.2 MiB`. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A share from 0 to 1 as `40 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `1 step`, `3 steps`; `plural` where an s is not enough. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

/** `3.0 to 4.0 d`, in minutes or hours where days say little. */
export function dayRange([low, high]: readonly [number, number]): string {
  const [unit, factor] = high < 1 / 24 ? ['min', 1440] : high < 1 ? ['h', 24] : ['d', 1];
  const [from, to] = [low * factor, high * factor].map((value) => value.toFixed(1));
  return from === to ? `${to} ${unit}` : `${from} to ${to} ${unit}`;
}
