import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listIsolations, type ListIsolationsReply, ListIsolationsRequest } from '@signalbox/shared/contracts/registry/list-isolations.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { isolationView, IsolationStore } from './isolation.store.ts';

@Controller()
export class ListIsolationsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly isolations: IsolationStore,
  ) {}

  @Handles(listIsolations)
  async handle(@Payload() request: ListIsolationsRequest, @FromCaller() { workspace }: Caller): Promise<ListIsolationsReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.isolations.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, (row) => [row.agent, row.instance], isolationView);
  }
}
