import { createHmac, randomBytes } from 'node:crypto';
import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { MasterKey } from '../sealing/master-key.ts';
import { SealedValueStore } from '../sealing/sealed-value.store.ts';

const pepperName = 'credential-pepper';

/** Credentials are stored and found by this hash alone: HMAC-SHA-256 under a secret that a copy of the database does not open. */
export class CredentialHasher {
  constructor(private readonly pepper: Buffer) {}

  static async load(system: SystemDatabase, masterKey: MasterKey): Promise<CredentialHasher> {
    return new CredentialHasher(await new SealedValueStore(system).getOrMake(masterKey, pepperName, () => randomBytes(32)));
  }

  hash(credential: string): Buffer {
    return createHmac('sha256', this.pepper).update(credential).digest();
  }
}
