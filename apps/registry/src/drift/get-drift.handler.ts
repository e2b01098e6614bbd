import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import type { Drift } from '@signalbox/shared/contracts/registry/drift.js';
import { getDrift, GetDriftRequest } from '@signalbox/shared/contracts/registry/get-drift.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Boards } from '../deployments/boards.ts';
import { unknownDeployment } from '../deployments/deployment.ts';
import { DeploymentStore } from '../deployments/deployment.store.ts';
import { UnstartedMembers } from '../bring-up/unstarted-members.ts';
import { planOf } from '../deployments/plan.ts';
import { driftItemsMax, Drifts } from './drifts.ts';

@Controller()
export class GetDriftHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly drifts: Drifts,
    private readonly unstarted: UnstartedMembers,
  ) {}

  @Handles(getDrift)
  async handle(@Payload() { name }: GetDriftRequest, @FromCaller() caller: Caller): Promise<Drift> {
    const row = await this.db.inWorkspace(caller.workspace, (tx) => this.deployments.find(tx, name));
    if (row === null) throw unknownDeployment(name);
    const seen = await this.unstarted.of(row, caller);
    const services = await this.boards.look([planOf(row.manifest)]);
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const stand = await this.boards.one(tx, row, services, seen);
      const items = await this.drifts.of(tx, stand);
      return {
        name,
        started: row.started,
        since: row.drifted_at?.toISOString() ?? null,
        items: items.slice(0, driftItemsMax),
        more: Math.max(0, items.length - driftItemsMax),
        updatedAt: stand.board.updatedAt,
      };
    });
  }
}
