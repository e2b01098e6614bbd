import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { endSession, EndSessionRequest, type EndSessionReply } from '@signalbox/shared/contracts/security/end-session.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { CredentialStore } from '../identities/credential.store.ts';
import { Revocations } from '../revocations/revocations.ts';
import { SessionStore } from './session.store.ts';

@Controller()
export class EndSessionHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly credentials: CredentialStore,
    private readonly store: SessionStore,
    private readonly hasher: CredentialHasher,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  @Handles(endSession)
  async handle(@Payload() { session }: EndSessionRequest): Promise<EndSessionReply> {
    const found = await this.credentials.find('session', session);
    if (!found) return { ended: false };
    const { workspace } = found;
    const ended = await this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.store.end(tx, workspace, this.hasher.hash(session));
      if (!row) return false;
      await this.revocations.append(tx, workspace, [row.id]);
      await this.audit.append(tx, found, { action: 'session.end', target: `session ${row.id}` });
      return true;
    });
    return { ended };
  }
}
