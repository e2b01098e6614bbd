import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';

const pattern = idPattern('approval');

/** The identifier of an approval; what cannot be one names none. */
export function requireApprovalId(id: string): string {
  if (pattern.test(id)) return id;
  throw new Fault('not_found', `there is no approval ${id.slice(0, 80)}`, 'Check the identifier.');
}
