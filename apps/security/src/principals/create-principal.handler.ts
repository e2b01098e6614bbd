import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { createPrincipal, CreatePrincipalRequest } from '@signalbox/shared/contracts/security/create-principal.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { CreationStore } from '../creations/creation.store.ts';
import { requireWithin, shownPrincipal } from './principal.ts';
import { PrincipalStore } from './principal.store.ts';

@Controller()
export class CreatePrincipalHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: PrincipalStore,
    private readonly creations: CreationStore,
    private readonly audit: Audit,
  ) {}

  @Handles(createPrincipal)
  async handle(@Payload() { idempotencyKey, ...request }: CreatePrincipalRequest, @FromCaller() caller: Caller): Promise<Principal> {
    const { kind, name, roles } = request;
    requireWithin(caller, roles, caller.scopes); // its keys will need narrowing of their own
    const principal = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const creation = { operation: createPrincipal.subject, key: idempotencyKey, request };
      const result = await this.creations.once(tx, caller, creation, async () => {
        const made = await this.store.add(tx, caller.workspace, { kind, name, roles });
        await this.audit.append(tx, caller, { action: 'principal.create', target: `${kind} ${name}`, detail: { id: made.id, roles } });
        return { id: made.id, made };
      });
      return 'made' in result ? result.made : this.store.get(tx, caller.workspace, result.earlier);
    });
    return shownPrincipal(principal);
  }
}
