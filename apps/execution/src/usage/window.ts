import { Fault } from '@signalbox/shared/errors/fault.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const windowDays = 30;
const windowMaxDays = 100;

/** Of which time: whole hours, in epoch milliseconds; `to` is the first moment after it. */
export interface Window {
  from: number;
  to: number;
}

/** The window that is asked for, of whole hours. `invalid` where it ends before it begins, or is longer than 100 days. */
export function windowOf({ from, to }: { from?: string; to?: string }, now: number): Window {
  const end = (Math.floor((to === undefined ? now : Date.parse(to)) / hourMs) + 1) * hourMs;
  const begin = from === undefined ? end - windowDays * dayMs : Math.floor(Date.parse(from) / hourMs) * hourMs;
  if (end <= begin) throw wrong('/to', 'must be after from', 'Give an earlier from, or a later to.');
  if (end - begin > windowMaxDays * dayMs + hourMs) {
    throw wrong('/from', `must be at most ${windowMaxDays} days before to`, 'Ask for one part after the other.');
  }
  return { from: begin, to: end };
}

function wrong(pointer: string, detail: string, next: string): Fault {
  return new Fault('invalid', `${pointer}: ${detail}`, next, { errors: [{ pointer, detail }] });
}
