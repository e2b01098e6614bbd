import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { EntityManager } from 'typeorm';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { createKey, CreateKeyRequest, type CreateKeyReply } from '@signalbox/shared/contracts/security/create-key.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { CreationStore } from '../creations/creation.store.ts';
import { requireKeyholder, requireRolesOf, requireWithin, type PrincipalEntry } from '../principals/principal.ts';
import { PrincipalStore } from '../principals/principal.store.ts';
import { shownKey } from './key.ts';
import { KeyMaker } from './key-maker.ts';

@Controller()
export class CreateKeyHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly principals: PrincipalStore,
    private readonly maker: KeyMaker,
    private readonly creations: CreationStore,
    private readonly audit: Audit,
  ) {}

  @Handles(createKey)
  async handle(@Payload() request: CreateKeyRequest, @FromCaller() caller: Caller): Promise<CreateKeyReply> {
    const { workspace } = caller;
    const { name, roles, scopes = [], expiresInS, idempotencyKey } = request;
    if (request.agent && request.principal !== undefined) {
      throw new Fault('invalid', 'a key speaks for one principal', 'Give `principal` or `agent`, not both.', {
        errors: [{ pointer: '/principal', detail: 'cannot stand beside /agent' }],
      });
    }
    const { entry, key } = await this.db.inWorkspace(workspace, async (tx) => {
      const principal = await this.principalOf(tx, workspace, request, caller);
      requireKeyholder(caller, principal);
      requireWithin(caller, roles ?? principal.roles, scopes);
      requireRolesOf(principal, roles ?? []);
      if (principal.disabledAt) throw new Fault('conflict', `${principal.id} is disabled`, 'Enable it first.');
      // Not its expiry: a time that the caller gave becomes another number of seconds each time.
      const asked = { name, principal: principal.id, roles: roles ?? null, scopes };
      const result = await this.creations.once(
        tx,
        caller,
        { operation: createKey.subject, key: idempotencyKey, request: asked },
        async () => {
          const made = await this.maker.make(tx, workspace, principal, { name, roles, scopes, expiresInS, createdBy: caller.principal });
          const shown = shownKey(made.entry);
          await this.audit.append(tx, caller, {
            action: 'key.create',
            target: `key ${shown.id}`,
            detail: { name, principal: principal.id, roles: shown.roles, scopes, expiresAt: shown.expiresAt },
          });
          return { id: shown.id, made };
        },
      );
      if ('made' in result) return result.made;
      throw new Fault(
        'conflict',
        `this Idempotency-Key made ${result.earlier} already, and a key is shown once`,
        `If it was lost on its way, revoke ${result.earlier} and make another with a new Idempotency-Key.`,
      );
    });
    return { ...shownKey(entry), key };
  }

  private principalOf(
    tx: EntityManager,
    workspace: string,
    { agent, principal }: CreateKeyRequest,
    caller: Caller,
  ): Promise<PrincipalEntry> {
    return agent
      ? this.principals.ensureAgent(tx, workspace, agent.id, agent.name)
      : this.principals.get(tx, workspace, principal ?? caller.principal);
  }
}
