/** When the monotonic clock of this process stood at zero, epoch milliseconds by the machine's clock as the process began. */
const beganAt = Date.now() - performance.now();
let offsetMs = 0;

/** Epoch milliseconds of this process, which go on evenly when the machine's clock is corrected. */
export function processClock(): number {
  return Math.floor(beganAt + performance.now());
}

/** Epoch milliseconds as the database sees them: tokens, timers and deadlines are judged by one clock in all services. */
export function now(): number {
  return processClock() + offsetMs;
}

/** Sets how far the database's clock is ahead of this process's, in milliseconds. */
export function setClockOffset(milliseconds: number): void {
  offsetMs = milliseconds;
}

/**
 * Takes a reading of the database's clock, asked for and answered at two moments of this process's (`processClock`), all epoch milliseconds.
 * A slow answer proves little: the offset changes only when it can't be right, so that a busy start does not put services apart.
 */
export function readDatabaseClock(asked: number, database: number, answered: number): void {
  const least = database - answered;
  const most = database - asked;
  if (offsetMs < least || offsetMs > most) offsetMs = Math.round((least + most) / 2);
}
