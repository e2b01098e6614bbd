import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { EntityManager } from 'typeorm';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { Secret } from '@signalbox/shared/contracts/security/secret.js';
import { setSecret, SetSecretRequest } from '@signalbox/shared/contracts/security/set-secret.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { DataKeys } from './data-keys.ts';
import { openValue, requireUsable, sealValue, shownSecret, type SecretEntry } from './secret.ts';
import { SecretChanges } from './secret-changes.ts';
import { SecretStore } from './secret.store.ts';

/** In one workspace: a rotation seals all of them anew in one transaction. */
const secretsMax = 500;

@Controller()
export class SetSecretHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: SecretStore,
    private readonly keys: DataKeys,
    private readonly changes: SecretChanges,
  ) {}

  @Handles(setSecret)
  async handle(@Payload() request: SetSecretRequest, @FromCaller() caller: Caller): Promise<Secret> {
    requireUsable(request.value);
    return shownSecret(await this.db.inWorkspace(caller.workspace, (tx) => this.set(tx, request, caller)));
  }

  private async set(tx: EntityManager, { name, value, description }: SetSecretRequest, caller: Caller): Promise<SecretEntry> {
    const { workspace, principal } = caller;
    await this.keys.lock(tx, workspace);
    const { version: dataKey, key } = await this.keys.current(tx, workspace);
    const current = await this.store.find(tx, workspace, name);
    const isSame = current !== null && openValue(key, { workspace, ...current }, current.sealed) === value;
    if (isSame && (description ?? current.description) === current.description) return current;
    if (!current && (await this.store.count(tx, workspace)) >= secretsMax) {
      throw new Fault(
        'limited',
        `the workspace has ${secretsMax} secrets, which is as many as it can`,
        'Remove secrets that nobody needs.',
      );
    }
    const uuid = current?.uuid ?? newUuid();
    const version = (current?.version ?? 0) + (isSame ? 0 : 1);
    const sealed = sealValue(key, { workspace, uuid, version }, value);
    const put = { uuid, name, description: description ?? current?.description ?? '', version, dataKey, sealed, updatedBy: principal };
    const entry = await this.store.put(tx, workspace, put);
    await this.changes.tell(tx, caller, entry, 'set');
    return entry;
  }
}
