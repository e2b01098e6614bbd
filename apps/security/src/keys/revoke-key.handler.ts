import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { Key } from '@signalbox/shared/contracts/security/key.js';
import { revokeKey, RevokeKeyRequest } from '@signalbox/shared/contracts/security/revoke-key.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { principalId } from '../credentials/principal-id.ts';
import { GrantStore } from '../grants/grant.store.ts';
import { requireKeyholder } from '../principals/principal.ts';
import { Revocations } from '../revocations/revocations.ts';
import { SessionStore } from '../sessions/session.store.ts';
import { shownKey } from './key.ts';
import { KeyStore } from './key.store.ts';

@Controller()
export class RevokeKeyHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: KeyStore,
    private readonly sessions: SessionStore,
    private readonly grants: GrantStore,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  @Handles(revokeKey)
  async handle(@Payload() { id, withGrants = false }: RevokeKeyRequest, @FromCaller() caller: Caller): Promise<Key> {
    const { workspace } = caller;
    const entry = await this.db.inWorkspace(workspace, async (tx) => {
      const key = await this.store.getForUpdate(tx, workspace, id);
      const { kind, uuid } = key.principal;
      requireKeyholder(caller, { kind, id: principalId(kind, uuid) });
      const isNew = key.revokedAt === null;
      const revokedAt = key.revokedAt ?? (await this.store.revoke(tx, workspace, key.uuid));
      const sessions = isNew ? await this.sessions.endAllOfKey(tx, workspace, key.uuid) : [];
      const grants = withGrants ? await this.grants.revokeAllVia(tx, workspace, [id, ...sessions]) : [];
      await this.revocations.append(tx, workspace, [...(isNew ? [id] : []), ...sessions, ...grants]);
      if (isNew || grants.length > 0) {
        await this.audit.append(tx, caller, {
          action: 'key.revoke',
          target: `key ${id}`,
          detail: { name: key.name, sessions: sessions.length, grants: grants.length },
        });
      }
      return { ...key, revokedAt };
    });
    return shownKey(entry);
  }
}
