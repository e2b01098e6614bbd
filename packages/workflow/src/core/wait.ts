import { durationMs } from './duration.ts';
import { ExpressionError } from './graph.ts';
import type { Json } from './json.ts';

/** What a step waits for: until `due` (epoch milliseconds), until the signal comes, or with both until the first of them. */
export interface Wait {
  due?: number;
  signal?: string;
}

/** The longest wait: a run ends by its own timeout long before. */
const waitMaxMs = 366 * 86_400_000;
/** Names that a signal can be sent by: those of the contract. */
export const signalPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/**
 * Reads what `wait` gave at the time `at`: a duration (`10m` or milliseconds), `{ until }` with a time by ISO 8601 or in epoch milliseconds, or
 * `{ signal, timeout? }`. Throws `ExpressionError` for all else.
 */
export function waitOf(value: Json, at: number, pointer: string): Wait {
  if (typeof value !== 'object' || value === null) return { due: at + bounded(durationMs(value), value, pointer) };
  const { until, signal, timeout } = value as Record<string, Json | undefined>;
  if (until !== undefined) {
    const due = typeof until === 'number' ? until : typeof until === 'string' ? Date.parse(until) : NaN;
    if (!Number.isFinite(due)) throw new ExpressionError(`until must give a time, as 2026-01-31T09:00:00Z, not ${shown(until)}`, pointer);
    return { due: Math.min(Math.max(due, at), at + waitMaxMs) };
  }
  if (typeof signal !== 'string' || !signalPattern.test(signal))
    throw new ExpressionError(`wait must give a duration, { until } or { signal }, not ${shown(value)}`, pointer);
  return { signal, ...(timeout !== undefined && timeout !== null && { due: at + bounded(durationMs(timeout), timeout, pointer) }) };
}

function bounded(ms: number | undefined, value: Json, pointer: string): number {
  if (ms === undefined) throw new ExpressionError(`a duration is 500ms, 30s, 10m, 2h, 1d or milliseconds, not ${shown(value)}`, pointer);
  return Math.min(ms, waitMaxMs);
}

function shown(value: Json): string {
  return JSON.stringify(value).slice(0, 60);
}
