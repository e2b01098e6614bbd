import { Controller } from '@nestjs/common';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { rotateDataKey, type RotateDataKeyReply } from '@signalbox/shared/contracts/security/rotate-data-key.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { DataKeys } from './data-keys.ts';
import { openValue, sealValue } from './secret.ts';
import { SecretStore } from './secret.store.ts';

@Controller()
export class RotateDataKeyHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: SecretStore,
    private readonly keys: DataKeys,
    private readonly audit: Audit,
  ) {}

  @Handles(rotateDataKey)
  async handle(@FromCaller() caller: Caller): Promise<RotateDataKeyReply> {
    const { workspace } = caller;
    return this.db.inWorkspace(workspace, async (tx) => {
      await this.keys.lock(tx, workspace);
      const before = await this.keys.current(tx, workspace);
      const after = await this.keys.make(tx, workspace, before.version + 1);
      const entries = await this.store.all(tx, workspace);
      for (const entry of entries) {
        const place = { workspace, ...entry };
        const sealed = sealValue(after.key, place, openValue(before.key, place, entry.sealed));
        await this.store.reseal(tx, workspace, entry.uuid, after.version, sealed);
      }
      await this.keys.dropBefore(tx, workspace, after.version);
      const { version } = after;
      const secrets = entries.length;
      await this.audit.append(tx, caller, { action: 'data-key.rotate', target: `data key ${version}`, detail: { secrets } });
      return { version, secrets };
    });
  }
}
