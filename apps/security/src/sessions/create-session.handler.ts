import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { createSession, CreateSessionRequest, type CreateSessionReply } from '@signalbox/shared/contracts/security/create-session.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { DenialCounter } from '@signalbox/shared/identity/denial-counter.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { parsePrincipalId } from '../credentials/principal-id.ts';
import { newSessionSecret } from '../credentials/secret.ts';
import { worthless } from '../identities/credential.ts';
import { CredentialStore } from '../identities/credential.store.ts';
import { LastUse } from '../identities/last-use.ts';
import { Revocations } from '../revocations/revocations.ts';
import { SessionStore } from './session.store.ts';

@Controller()
export class CreateSessionHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly credentials: CredentialStore,
    private readonly store: SessionStore,
    private readonly hasher: CredentialHasher,
    private readonly lastUse: LastUse,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
    private readonly denials: DenialCounter,
  ) {}

  @Handles(createSession)
  async handle(@Payload() { key }: CreateSessionRequest): Promise<CreateSessionReply> {
    const found = await this.credentials.find('key', key);
    if (!found) throw worthless();
    if (found.refusal !== null) {
      this.denials.note(found, `session of a key that is ${found.refusal}`);
      throw worthless();
    }
    const { workspace } = found;
    const principal = parsePrincipalId(found.principal).uuid;
    const session = newSessionSecret();
    const made = await this.db.inWorkspace(workspace, async (tx) => {
      const added = await this.store.add(tx, workspace, { principal, key: toUuid(found.id, 'key'), hash: this.hasher.hash(session) });
      if (!added) throw worthless();
      const surplus = await this.store.endSurplusOf(tx, workspace, principal);
      await this.revocations.append(tx, workspace, surplus);
      await this.audit.append(tx, found, { action: 'session.create', target: `session ${added.id}`, detail: { key: found.id } });
      return added;
    });
    this.lastUse.note(found);
    return { id: made.id, session, expiresAt: made.expiresAt.getTime() };
  }
}
