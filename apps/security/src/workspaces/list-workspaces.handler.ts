import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listWorkspaces, ListWorkspacesRequest, type ListWorkspacesReply } from '@signalbox/shared/contracts/security/list-workspaces.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { PrincipalStore } from '../principals/principal.store.ts';
import { WorkspaceStore } from './workspace.store.ts';

@Controller()
export class ListWorkspacesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: WorkspaceStore,
    private readonly principals: PrincipalStore,
  ) {}

  @Handles(listWorkspaces)
  async handle(
    @Payload() { q = '', cursor, limit = pageLimitDefault }: ListWorkspacesRequest,
    @FromCaller() { workspace, principal }: Caller,
  ): Promise<ListWorkspacesReply> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const found = await this.db.inWorkspace(workspace, async (tx) => {
      const { isInstallation } = await this.principals.get(tx, workspace, principal);
      return isInstallation ? this.store.listAll(tx, { after, q, limit: limit + 1 }) : this.store.listOwn(tx, workspace);
    });
    return pageOf(
      found,
      limit,
      ({ name }) => [name],
      ({ id, name, title, createdAt }) => ({ id, name, title, createdAt }),
    );
  }
}
