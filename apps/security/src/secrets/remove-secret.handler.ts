import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { removeSecret, RemoveSecretRequest, type RemoveSecretReply } from '@signalbox/shared/contracts/security/remove-secret.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { DataKeys } from './data-keys.ts';
import { unknownSecret } from './secret.ts';
import { SecretChanges } from './secret-changes.ts';
import { SecretStore } from './secret.store.ts';

@Controller()
export class RemoveSecretHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: SecretStore,
    private readonly keys: DataKeys,
    private readonly changes: SecretChanges,
  ) {}

  @Handles(removeSecret)
  async handle(@Payload() { name }: RemoveSecretRequest, @FromCaller() caller: Caller): Promise<RemoveSecretReply> {
    const { workspace } = caller;
    await this.db.inWorkspace(workspace, async (tx) => {
      await this.keys.lock(tx, workspace);
      const entry = await this.store.find(tx, workspace, name);
      if (!entry) throw unknownSecret(name);
      await this.store.remove(tx, workspace, entry.uuid);
      await this.changes.tell(tx, caller, entry, 'removed');
    });
    return { name };
  }
}
