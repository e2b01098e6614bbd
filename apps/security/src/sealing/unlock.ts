import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { makeMasterKey, readMasterKey } from './master-key-file.ts';
import type { MasterKey } from './master-key.ts';
import { sealAnew } from './seal-anew.ts';
import { SealedValueStore } from './sealed-value.store.ts';

/**
 * The master key that the database's secrets are sealed with; made on the first start. What older keys of the file sealed is sealed anew. Throws
 * when a key is missing that something is sealed with: a service that made a new one then would make every key and secret worthless.
 */
export async function unlock(path: string, system: SystemDatabase): Promise<MasterKey> {
  const needed = await new SealedValueStore(system).masterKeyIds();
  const found = await readMasterKey(path);
  if (needed.length === 0) return found ?? makeMasterKey(path);
  if (!found) throw new Error(`the master key ${path} is missing, and the database is sealed with it (${needed.join(', ')}): put it back`);
  const missing = needed.filter((id) => !found.ids.includes(id));
  if (missing.length > 0) {
    throw new Error(
      `the master key ${path} is ${found.ids.join(', ')}, but the database is sealed with ${missing.join(', ')}: put the right one there`,
    );
  }
  const renewed = await sealAnew(system, found);
  if (renewed > 0) log.info('what older master keys sealed was sealed anew', { masterKey: found.id, count: renewed });
  return found;
}
