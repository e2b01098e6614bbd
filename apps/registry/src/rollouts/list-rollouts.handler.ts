import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listRollouts, type ListRolloutsReply, ListRolloutsRequest } from '@signalbox/shared/contracts/registry/list-rollouts.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { rolloutView } from './rollout-row.ts';
import { RolloutStore } from './rollout.store.ts';

@Controller()
export class ListRolloutsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: RolloutStore,
  ) {}

  @Handles(listRollouts)
  async handle(@Payload() request: ListRolloutsRequest, @FromCaller() { workspace }: Caller): Promise<ListRolloutsReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.store.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, ({ id }) => [fromUuid('rollout', id)], rolloutView);
  }
}
