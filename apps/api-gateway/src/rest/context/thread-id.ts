import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';

const pattern = idPattern('thread');

/** The identifier of a thread; what cannot be one names no thread. */
export function requireThreadId(id: string): string {
  if (pattern.test(id)) return id;
  throw new Fault('not_found', `there is no thread ${id.slice(0, 80)}`, 'Check the identifier.');
}
