import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { newApiKey } from '../credentials/secret.ts';
import type { PrincipalEntry } from '../principals/principal.ts';
import type { KeyEntry } from './key.ts';
import { KeyStore, type NewKey } from './key.store.ts';

/** Makes keys: what is shown once, and the row that knows only its hash. */
@Injectable()
export class KeyMaker {
  constructor(
    private readonly store: KeyStore,
    private readonly hasher: CredentialHasher,
  ) {}

  async make(
    tx: EntityManager,
    workspace: string,
    principal: Pick<PrincipalEntry, 'uuid' | 'kind' | 'name' | 'roles'>,
    facts: Omit<NewKey, 'uuid' | 'hash'>,
  ): Promise<{ entry: KeyEntry; key: string }> {
    const uuid = newUuid();
    const key = newApiKey(uuid);
    return { key, entry: await this.store.add(tx, workspace, principal, { ...facts, uuid, hash: this.hasher.hash(key) }) };
  }
}
