import { Fault } from '@signalbox/shared/errors/fault.js';

export function unknownKey(scope: string, key: string): Fault {
  return new Fault('not_found', `there is no key ${key} in ${scope}`, 'List the keys of the scope.');
}
