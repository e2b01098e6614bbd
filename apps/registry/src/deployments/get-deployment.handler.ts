import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getDeployment, type GetDeploymentReply, GetDeploymentRequest } from '@signalbox/shared/contracts/registry/get-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Boards, deploymentView } from './boards.ts';
import { stepViews } from './deployment.ts';

@Controller()
export class GetDeploymentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly boards: Boards,
  ) {}

  @Handles(getDeployment)
  async handle(@Payload() { name }: GetDeploymentRequest, @FromCaller() { workspace }: Caller): Promise<GetDeploymentReply> {
    const { row, services } = await this.boards.lookAt(workspace, name);
    const stand = await this.db.inWorkspace(workspace, (tx) => this.boards.one(tx, row, services));
    return {
      ...deploymentView(stand),
      manifest: { ...row.manifest },
      steps: stepViews(stand.plan, stand.facts),
      ...(row.started && row.started_at !== null && { startedAt: row.started_at.toISOString() }),
    };
  }
}
