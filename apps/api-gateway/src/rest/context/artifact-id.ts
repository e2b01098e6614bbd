import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';

const pattern = idPattern('artifact');

/** The identifier of an artifact; what cannot be one names no artifact. */
export function requireArtifactId(id: string): string {
  if (pattern.test(id)) return id;
  throw new Fault('not_found', `there is no artifact ${id.slice(0, 80)}`, 'Check the identifier.');
}
