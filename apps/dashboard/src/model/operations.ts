import type { RunOperation } from '@signalbox/sdk/client/run-operations.js';

type Listed = Pick<RunOperation, 'id' | 'status'>;

/** Whether one has ended since the list was read before; also one that began and ended in between. */
export function someEnded(before: readonly Listed[], now: readonly Listed[]): boolean {
  const ended = new Set(before.filter(({ status }) => status !== 'running').map(({ id }) => id));
  return now.some(({ id, status }) => status !== 'running' && !ended.has(id));
}
