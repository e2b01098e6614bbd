import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { FromService, Handles } from '@signalbox/shared/bus/handles.js';
import { findSecret, FindSecretRequest, type FindSecretReply } from '@signalbox/shared/contracts/security/find-secret.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { IdentityReader } from '../identities/identity-reader.ts';
import { SecretStore } from './secret.store.ts';

@Controller()
export class FindSecretHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly reader: IdentityReader,
    private readonly store: SecretStore,
  ) {}

  @Handles(findSecret)
  async handle(@Payload() { identity, name }: FindSecretRequest, @FromService() service: ServiceName): Promise<FindSecretReply> {
    const { workspace } = await this.reader.read(identity, service);
    const found = await this.db.inWorkspace(workspace, (tx) => this.store.findWithKey(tx, workspace, name));
    return { version: found?.entry.version ?? null };
  }
}
