let offsetMs = 0;

/** Epoch milliseconds as the database sees them: tokens and deadlines are judged by one clock in all services. */
export function now(): number {
  return Date.now() + offsetMs;
}

/** Sets how far the database's clock is ahead of this process's, in milliseconds. */
export function setClockOffset(milliseconds: number): void {
  offsetMs = milliseconds;
}
