/** When a server asks to be tried again: `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110, section 10.2.3). */
export function retryAfterMsOf(headers: Pick<Headers, 'get'>, nowMs: number = Date.now()): number | undefined {
  const milliseconds = Number(headers.get('retry-after-ms') ?? NaN);
  if (milliseconds >= 0) return Math.round(milliseconds);
  const given = headers.get('retry-after');
  if (given === null) return undefined;
  const seconds = given.trim() === '' ? NaN : Number(given);
  if (seconds >= 0) return Math.round(seconds * 1_000);
  const at = /[A-Za-z]{3}/.test(given) ? Date.parse(given) : NaN; // a date has the names of its day and month
  return Number.isNaN(at) ? undefined : Math.max(at - nowMs, 0);
}
