import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';

const pattern = idPattern('run');

/** The identifier of a run; what cannot be one names no run. */
export function requireRunId(id: string): string {
  if (pattern.test(id)) return id;
  throw new Fault('not_found', `there is no run ${id.slice(0, 80)}`, 'Check the identifier.');
}

const operationPattern = idPattern('runop');

/** The identifier of an operation on many runs; what cannot be one names none. */
export function requireOperationId(id: string): string {
  if (operationPattern.test(id)) return id;
  throw new Fault('not_found', `there is no operation ${id.slice(0, 80)}`, 'Check the identifier.');
}
