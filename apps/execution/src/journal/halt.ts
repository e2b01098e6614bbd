import { Fault } from '@signalbox/shared/errors/fault.js';

/** Of SQLSTATE class 53, what there is too little of. */
const rooms: Record<string, string> = {
  '53100': 'its disk is full',
  '53200': 'its memory is used up',
  '53300': 'it takes no more connections',
};

/** Whether the database lacks a right, a table or a column that the service needs: it was changed under it. */
export function isLack(state: string): boolean {
  return state === '42501' || state === '42P01' || state === '42703';
}

/** Classes of SQLSTATE of what PostgreSQL says of itself, its connections and other transactions. */
const itsOwn = new Set(['08', '25', '28', '3D', '3F', '40', '53', '55', '57', '58', 'F0', 'XX']);

/** Whether it is something in the rows that PostgreSQL refuses: the same rows would meet it again. What the database lacks every row would meet. */
export function isOfRows(state: string): boolean {
  return !itsOwn.has(state.slice(0, 2)) && !isLack(state);
}

/** Why no run may be started while nothing can be committed, by what the last commit met. */
export function faultOfHalt(state: string): Fault {
  if (state.startsWith('53')) {
    const detail = `PostgreSQL has no room: ${rooms[state] ?? 'what it may use is used up'}`;
    return new Fault('limited', detail, 'Make room for it; what waits is written then.', { retryAfterMs: 5_000 });
  }
  const [detail, next] = isLack(state)
    ? ['the journal’s database lacks a table, a column or a right', 'Put it back; the log of execution says which.']
    : ['the journal’s database cannot be reached', 'Try again in a moment.'];
  return new Fault('unavailable', detail, next, { service: 'postgresql', retryAfterMs: 1_000 });
}
