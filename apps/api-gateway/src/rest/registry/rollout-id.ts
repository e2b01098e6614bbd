import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';

const pattern = idPattern('rollout');

/** The identifier of a rollout; what cannot be one names none. */
export function requireRolloutId(id: string): string {
  if (pattern.test(id)) return id;
  throw new Fault('not_found', `there is no rollout ${id.slice(0, 80)}`, 'Check the identifier.');
}
