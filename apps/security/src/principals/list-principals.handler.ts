import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listPrincipals, ListPrincipalsRequest, type ListPrincipalsReply } from '@signalbox/shared/contracts/security/list-principals.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { uuidCursor } from '../credentials/uuid-cursor.ts';
import { shownPrincipal } from './principal.ts';
import { PrincipalStore } from './principal.store.ts';

@Controller()
export class ListPrincipalsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: PrincipalStore,
  ) {}

  @Handles(listPrincipals)
  async handle(
    @Payload() { kind, q = '', cursor, limit = pageLimitDefault }: ListPrincipalsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListPrincipalsReply> {
    const after = uuidCursor(cursor);
    const found = await this.db.inWorkspace(workspace, (tx) =>
      this.store.list(tx, workspace, { kind: kind ?? null, q, after, limit: limit + 1 }),
    );
    return pageOf(found, limit, ({ uuid }) => [uuid], shownPrincipal);
  }
}
