import { applyTransition } from './apply.ts';
import type { Transition } from './events.ts';
import { sizeOf } from './json.ts';
import { unitOf } from './state.ts';
import type { Work } from './turn.ts';

/** One line of what an executor said of its work. */
export type LogLine = { at: number; message: string; fraction?: number };

/** The last of what was said of one attempt. */
export interface AttemptLog {
  /** The oldest first. */
  lines: LogLine[];
  /** How many came before them. */
  dropped: number;
}

/** Lines that are kept of one attempt, and characters of each: what people read. */
export const logLinesMax = 50;
const messageMax = 500;
/** And of all of them: as much as stands in a row of the journal rather than beside it. */
const attemptMax = 16_384;
/** Of all attempts of a run: they stay in memory while it lives, and one row may end them all. */
const runMax = 1_048_576;

/** The log with one line more. What says the same as the line before is in its place: only how much is done has changed. */
export function addLine({ lines, dropped }: AttemptLog = { lines: [], dropped: 0 }, { message, ...rest }: LogLine): AttemptLog {
  const line = { ...rest, message: shortened(message) };
  const next = lines.at(-1)?.message === line.message ? [...lines.slice(0, -1), line] : [...lines, line];
  let from = Math.max(0, next.length - logLinesMax);
  for (let size = sizeOf(next.slice(from)); size > attemptMax; from++) size -= sizeOf(next[from] as LogLine) + 1;
  return { lines: next.slice(from), dropped: dropped + from };
}

/** Has recorded what was said of the attempts that a turn ends. It goes before all else: nothing follows the end of a run. */
export function recordLogs(work: Work): void {
  const { state, given } = work;
  const logged: Transition[] = [];
  for (const effect of work.effects) {
    if (effect.e !== 'attemptEnded') continue;
    const { s, i, n } = effect;
    const log = given.logOf?.({ s, i, n });
    if (log === undefined || unitOf(state, s, i)?.logs?.some((known) => known.n === n) === true) continue;
    const isFull = state.logBytes + sizeOf(log.lines) > runMax;
    const lines = isFull ? [] : log.lines;
    const dropped = log.dropped + (isFull ? log.lines.length : 0);
    const transition: Transition = { t: 'logged', at: given.at, s, i, n, lines, ...(dropped > 0 && { dropped }) };
    applyTransition(state, transition);
    logged.push(transition);
  }
  if (logged.length > 0) work.transitions = [...logged, ...work.transitions];
}

function shortened(message: string): string {
  if (message.length <= messageMax) return message;
  // Not in the middle of a character.
  return `${message.slice(0, messageMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
