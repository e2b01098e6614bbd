import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { createPrincipal, CreatePrincipalRequest } from '@signalbox/shared/contracts/security/create-principal.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { requireWithin, shownPrincipal } from './principal.ts';
import { PrincipalStore } from './principal.store.ts';

@Controller()
export class CreatePrincipalHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: PrincipalStore,
    private readonly audit: Audit,
  ) {}

  @Handles(createPrincipal)
  async handle(@Payload() { kind, name, roles }: CreatePrincipalRequest, @FromCaller() caller: Caller): Promise<Principal> {
    requireWithin(caller, roles, caller.scopes); // its keys will need narrowing of their own
    const principal = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const made = await this.store.add(tx, caller.workspace, { kind, name, roles });
      await this.audit.append(tx, caller, { action: 'principal.create', target: `${kind} ${name}`, detail: { id: made.id, roles } });
      return made;
    });
    return shownPrincipal(principal);
  }
}
