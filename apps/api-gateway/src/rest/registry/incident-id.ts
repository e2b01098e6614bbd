import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';

const pattern = idPattern('incident');

/** The identifier of an incident; what cannot be one names none. */
export function requireIncidentId(id: string): string {
  if (pattern.test(id)) return id;
  throw new Fault('not_found', `there is no incident ${id.slice(0, 80)}`, 'Check the identifier.');
}
