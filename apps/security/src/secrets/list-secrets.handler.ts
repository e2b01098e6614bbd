import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listSecrets, ListSecretsRequest, type ListSecretsReply } from '@signalbox/shared/contracts/security/list-secrets.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { shownSecret } from './secret.ts';
import { SecretStore } from './secret.store.ts';

@Controller()
export class ListSecretsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: SecretStore,
  ) {}

  @Handles(listSecrets)
  async handle(
    @Payload() { q = '', cursor, limit = pageLimitDefault }: ListSecretsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListSecretsReply> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const found = await this.db.inWorkspace(workspace, (tx) => this.store.list(tx, workspace, { after, q, limit: limit + 1 }));
    return pageOf(found, limit, ({ name }) => [name], shownSecret);
  }
}
