import { setTimeout as sleep } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { stopDeployment, type StopDeploymentReply, StopDeploymentRequest } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { BringUp } from '../bring-up/bring-up.ts';
import { Boards, deploymentView } from './boards.ts';
import { unknownDeployment } from './deployment.ts';
import { DeploymentStore, type DeploymentRow } from './deployment.store.ts';
import { planOf } from './plan.ts';

const lookEveryMs = 100;
/** Workers have 6 s to drain; a replica that has crashed loses its lease in between. */
const waitMs = 13_000;

@Controller()
export class StopDeploymentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly audit: Audit,
    private readonly bringUp: BringUp,
  ) {}

  @Handles(stopDeployment)
  async handle(@Payload() { name }: StopDeploymentRequest, @FromCaller() caller: Caller): Promise<StopDeploymentReply> {
    await this.db.inWorkspace(caller.workspace, async (tx) => {
      const row = await this.deployments.find(tx, name, { lock: true });
      if (row === null) throw unknownDeployment(name);
      if (!row.started) return;
      await this.deployments.stop(tx, name);
      await this.audit.append(tx, caller, { action: 'deployment.stop', target: `deployment ${name}` });
    });
    this.bringUp.poke();
    const row = await this.untilStopped(caller.workspace, name);
    const services = await this.boards.look([planOf(row.manifest)]);
    const stand = await this.db.inWorkspace(caller.workspace, (tx) => this.boards.one(tx, row, services));
    return { resource: deploymentView(stand) };
  }

  /** Whichever replica holds it ends its processes; then nothing is left that needs the grant. */
  private async untilStopped(workspace: string, name: string): Promise<DeploymentRow> {
    for (const end = performance.now() + waitMs; performance.now() < end; await sleep(lookEveryMs)) {
      const row = await this.db.inWorkspace(workspace, (tx) => this.deployments.find(tx, name));
      if (row === null) throw unknownDeployment(name);
      if (row.bearer === null || row.started) return row;
    }
    throw new Fault('timeout', `the deployment ${name} is still being stopped`, 'It goes on by itself; look at its board in a moment.');
  }
}
