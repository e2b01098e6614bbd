import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { makeMasterKey, readMasterKey } from './master-key-file.ts';
import type { MasterKey } from './master-key.ts';
import { SealedValueStore } from './sealed-value.store.ts';

/**
 * The master key that the database's secrets are sealed with; made on the first start. Throws when it is missing later or is another one: a
 * service that made a new one then would make every key worthless.
 */
export async function unlock(path: string, system: SystemDatabase): Promise<MasterKey> {
  const expected = await new SealedValueStore(system).masterKeyId();
  const found = await readMasterKey(path);
  if (expected === null) return found ?? makeMasterKey(path);
  if (!found) throw new Error(`the master key ${path} is missing, and the database is sealed with it (${expected}): put it back`);
  if (found.id !== expected) {
    throw new Error(`the master key ${path} is ${found.id}, but the database is sealed with ${expected}: put the right one there`);
  }
  return found;
}
