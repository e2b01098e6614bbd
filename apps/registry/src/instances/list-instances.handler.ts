import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listInstances, type ListInstancesReply, ListInstancesRequest } from '@signalbox/shared/contracts/registry/list-instances.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { instanceView, InstanceStore } from './instance.store.ts';

@Controller()
export class ListInstancesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly instances: InstanceStore,
  ) {}

  @Handles(listInstances)
  async handle(@Payload() request: ListInstancesRequest, @FromCaller() { workspace }: Caller): Promise<ListInstancesReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.instances.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, (row) => [row.agent, row.instance], instanceView);
  }
}
