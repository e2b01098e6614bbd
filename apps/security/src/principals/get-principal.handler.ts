import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getPrincipal, GetPrincipalRequest } from '@signalbox/shared/contracts/security/get-principal.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { shownPrincipal } from './principal.ts';
import { PrincipalStore } from './principal.store.ts';

@Controller()
export class GetPrincipalHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: PrincipalStore,
  ) {}

  @Handles(getPrincipal)
  async handle(@Payload() { id }: GetPrincipalRequest, @FromCaller() { workspace }: Caller): Promise<Principal> {
    return shownPrincipal(await this.db.inWorkspace(workspace, (tx) => this.store.get(tx, workspace, id)));
  }
}
