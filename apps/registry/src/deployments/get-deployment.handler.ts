import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getDeployment, type GetDeploymentReply, GetDeploymentRequest } from '@signalbox/shared/contracts/registry/get-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Boards, deploymentView } from './boards.ts';
import { stepViews, unknownDeployment } from './deployment.ts';
import { DeploymentStore } from './deployment.store.ts';

@Controller()
export class GetDeploymentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
  ) {}

  @Handles(getDeployment)
  handle(@Payload() { name }: GetDeploymentRequest, @FromCaller() { workspace }: Caller): Promise<GetDeploymentReply> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.deployments.find(tx, name);
      if (row === null) throw unknownDeployment(name);
      const stand = await this.boards.one(tx, row);
      return {
        ...deploymentView(stand),
        manifest: { ...row.manifest },
        steps: stepViews(stand.plan, stand.facts),
        ...(row.started && row.started_at !== null && { startedAt: row.started_at.toISOString() }),
      };
    });
  }
}
