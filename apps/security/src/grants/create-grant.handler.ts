import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { createGrant, CreateGrantRequest, type CreateGrantReply } from '@signalbox/shared/contracts/security/create-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { parsePrincipalId } from '../credentials/principal-id.ts';
import { newGrant } from '../credentials/secret.ts';
import { GrantStore } from './grant.store.ts';

@Controller()
export class CreateGrantHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: GrantStore,
    private readonly hasher: CredentialHasher,
    private readonly audit: Audit,
  ) {}

  @Handles(createGrant)
  async handle(@Payload() { purpose }: CreateGrantRequest, @FromCaller() caller: Caller): Promise<CreateGrantReply> {
    const { workspace, principal, roles, scopes, credentialId = '' } = caller;
    const service = holderOf(caller);
    const uuid = newUuid();
    const grant = newGrant(uuid);
    await this.db.inWorkspace(workspace, async (tx) => {
      const { uuid: principalUuid } = parsePrincipalId(principal);
      const hash = this.hasher.hash(grant);
      await this.store.add(tx, workspace, { uuid, principal: principalUuid, via: credentialId, service, purpose, roles, scopes, hash });
      await this.audit.append(tx, caller, {
        action: 'grant.create',
        target: `grant ${fromUuid('grant', uuid)}`,
        detail: { purpose, service, via: credentialId },
      });
    });
    return { grant };
  }
}

/** The service that asks is the last actor of the identity that it traded; only it can use the grant. */
function holderOf({ actors = [] }: Caller): ServiceName {
  const service = actors[0]?.replace(/^service:/, '') as ServiceName | undefined;
  if (service !== undefined && createGrant.callers.includes(service)) return service;
  throw new Fault('forbidden', 'only a service that acts for somebody later holds grants', 'Start a run or a deployment.');
}
