import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { FromService, Handles } from '@signalbox/shared/bus/handles.js';
import { resolveSecret, ResolveSecretRequest, type ResolveSecretReply } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { IdentityReader } from '../identities/identity-reader.ts';
import { DataKeys } from './data-keys.ts';
import { openValue, unknownSecret } from './secret.ts';
import { SecretStore } from './secret.store.ts';

@Controller()
export class ResolveSecretHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly reader: IdentityReader,
    private readonly store: SecretStore,
    private readonly keys: DataKeys,
  ) {}

  @Handles(resolveSecret)
  async handle(@Payload() { identity, name }: ResolveSecretRequest, @FromService() service: ServiceName): Promise<ResolveSecretReply> {
    const { workspace } = await this.reader.read(identity, service);
    return this.db.inWorkspace(workspace, async (tx) => {
      const found = await this.store.findWithKey(tx, workspace, name);
      if (!found) throw unknownSecret(name);
      const { entry, key } = found;
      const dataKey = this.keys.unseal(workspace, { version: entry.dataKey, sealed: key });
      const value = openValue(dataKey, { workspace, ...entry }, entry.sealed);
      await this.store.noteUse(tx, workspace, entry.uuid);
      return { version: entry.version, value };
    });
  }
}
