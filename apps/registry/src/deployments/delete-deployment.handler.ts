import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteDeployment,
  type DeleteDeploymentReply,
  DeleteDeploymentRequest,
} from '@signalbox/shared/contracts/registry/delete-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { staleVersion } from '../agents/agent.ts';
import { Boards } from './boards.ts';
import { unknownDeployment } from './deployment.ts';
import { DeploymentLog } from './deployment-log.ts';
import { DeploymentStore } from './deployment.store.ts';

@Controller()
export class DeleteDeploymentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly log: DeploymentLog,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteDeployment)
  async handle(
    @Payload() { name, expectedVersion }: DeleteDeploymentRequest,
    @FromCaller() caller: Caller,
  ): Promise<DeleteDeploymentReply> {
    const { services } = await this.boards.lookAt(caller.workspace, name);
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.deployments.find(tx, name, { lock: true });
      if (row === null) throw unknownDeployment(name);
      if (expectedVersion !== undefined && expectedVersion !== row.version) {
        throw staleVersion(`the deployment ${name}`, row.version, expectedVersion);
      }
      if (row.started || row.bearer !== null) {
        throw new Fault('conflict', `the deployment ${name} is ${row.started ? 'started' : 'still being stopped'}`, 'Stop it first.');
      }
      await this.log.tell(tx, row, services, { change: 'deleted' });
      await this.deployments.delete(tx, row);
      await this.audit.append(tx, caller, { action: 'deployment.delete', target: `deployment ${name}`, detail: { version: row.version } });
      return { name };
    });
  }
}
