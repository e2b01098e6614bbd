import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { FromService, Handles } from '@signalbox/shared/bus/handles.js';
import { revokeGrant, RevokeGrantRequest, type RevokeGrantReply } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { CredentialStore } from '../identities/credential.store.ts';
import { Revocations } from '../revocations/revocations.ts';
import { GrantStore } from './grant.store.ts';

@Controller()
export class RevokeGrantHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly credentials: CredentialStore,
    private readonly store: GrantStore,
    private readonly hasher: CredentialHasher,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  @Handles(revokeGrant)
  async handle(@Payload() { grant }: RevokeGrantRequest, @FromService() service: ServiceName): Promise<RevokeGrantReply> {
    const found = await this.credentials.find('grant', grant);
    if (!found || found.service !== service) return { ended: false };
    const { workspace, id } = found;
    const ended = await this.db.inWorkspace(workspace, async (tx) => {
      if (!(await this.store.end(tx, workspace, this.hasher.hash(grant)))) return false;
      await this.revocations.append(tx, workspace, [id]);
      await this.audit.append(tx, found, { action: 'grant.revoke', target: `grant ${id}`, detail: { service } });
      return true;
    });
    return { ended };
  }
}
