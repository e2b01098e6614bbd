import type { Limit, LimitKind } from '@signalbox/sdk/client/limits.js';
import { formatWholeSpan } from './time.ts';

/** What each kind is called, and what it is. */
export const kindWords: Record<LimitKind, string> = {
  runs: 'Runs',
  limit: 'Steps',
  agent: 'Agent',
  model: 'Model',
  tool: 'Tools',
  artifact: 'Artifacts',
  state: 'Shared state',
};

/** `limit:tenant/ann`: what rows are told apart by. */
export function limitId({ kind, name, key }: Limit): string {
  return `${kind}:${name}/${key ?? ''}`;
}

/** `60 in 1 min`, with `10 at once` where that is less. */
export function rateText({ max, perMs, burst }: NonNullable<Limit['rate']>): string {
  return `${max} in ${formatWholeSpan(perMs)}${burst === max ? '' : `, ${burst} at once`}`;
}

/** `3 of 5`, or `3` where nothing caps it. */
export function runningText({ running, concurrency }: Limit): string {
  return concurrency === null ? String(running) : `${running} of ${concurrency}`;
}

/** How much of its places is taken, 0 to 1; null: it has no number of them. */
export function shareTaken({ running, concurrency }: Limit): number | null {
  return concurrency === null ? null : Math.min(1, running / concurrency);
}

/** One sentence of how it stands. */
export function limitsSentence(limits: readonly Limit[], calls: { running: number; most: number }, missing: number): string {
  const waiting = limits.reduce((sum, limit) => sum + limit.waiting, 0);
  const full = limits.filter((limit) => limit.waiting > 0).length;
  const first =
    waiting === 0
      ? 'Nothing waits for a place.'
      : `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for a place, in ${full} of ${limits.length} limits and queues.`;
  const share = calls.running === 0 ? '' : ` ${calls.running} calls of this workspace are under way, of ${calls.most} that it may have.`;
  const gap =
    missing === 0
      ? ''
      : ` ${missing === 1 ? 'One replica' : `${missing} replicas`} of execution did not answer: what is kept there is missing.`;
  return `${first}${share}${gap}`;
}
