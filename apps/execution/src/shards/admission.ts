import { Fault } from '@signalbox/shared/errors/fault.js';

/** Live runs of one owner, each under 8 KB of its own: past this, starts are refused. */
export const liveMax = 100_000;
/**
 * Past these, starts are refused before memory grows: rows that wait for a commit, and until when: a quarter of what a start is waited for, since commits
 * that are slow may become slower yet.
 */
const waitingMax = 20_000;
const waitMaxMs = 2_500;
/** From here on the workspace that has most of them starts no further run while others wait too. */
const busyWaiting = 5_000;

/** What an owner has under way. */
export interface Pressure {
  /** Runs in memory. */
  live: number;
  /** Rows that wait for a commit. */
  waiting: number;
  /** Until what is to be written now is committed. */
  waitMs: number;
}

/** Whether more is under way, or waits to be written, than may be added to. */
export function isBusy({ live, waiting, waitMs }: Pressure): boolean {
  return live >= liveMax || waiting >= waitingMax || waitMs >= waitMaxMs;
}

/** Why a run may not be started now, with when to come again; of workspaces, those that make others wait first. `own`: rows that are its own, as the wait is. */
export function refusalOf(pressure: Pressure, own: () => number): Fault | undefined {
  const { live, waiting } = pressure;
  if (isBusy(pressure)) {
    return new Fault('limited', `${live} runs are under way and ${waiting} changes wait to be written`, 'Try again later.', {
      retryAfterMs: 2_000,
    });
  }
  if (waiting < busyWaiting) return undefined;
  const mine = own();
  if (mine <= waiting / 2 || mine >= waiting) return undefined;
  return new Fault('limited', `${waiting} changes wait to be written, most of them of this workspace`, 'Start fewer runs at once.', {
    retryAfterMs: 1_000,
  });
}
