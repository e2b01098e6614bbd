import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  startDeployment,
  type StartDeploymentReply,
  StartDeploymentRequest,
} from '@signalbox/shared/contracts/registry/start-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Boards, deploymentView } from './boards.ts';
import { Starting, type Start } from './starting.ts';

@Controller()
export class StartDeploymentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly boards: Boards,
    private readonly starting: Starting,
  ) {}

  @Handles(startDeployment)
  async handle(@Payload() { name, dryRun = false }: StartDeploymentRequest, @FromCaller() caller: Caller): Promise<StartDeploymentReply> {
    const { plan, stand } = dryRun
      ? await this.planned(name, caller)
      : await this.starting.start(name, caller, { action: 'deployment.start', again: [], detail: {} });
    return { plan, resource: deploymentView(stand) };
  }

  private async planned(name: string, { workspace }: Caller): Promise<Start> {
    const { services } = await this.boards.lookAt(workspace, name);
    return this.db.inWorkspace(workspace, (tx) => this.starting.plan(tx, name, services));
  }
}
