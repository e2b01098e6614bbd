import { Injectable } from '@nestjs/common';
import { deploymentChanged, type DeploymentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { Boards, type Stand } from './boards.ts';
import { DeploymentStore, type DeploymentRow } from './deployment.store.ts';
import type { InfrastructureFact, StepFact } from './facts.ts';
import { StepStore, type StepWrite } from './step.store.ts';

/** Writes what happens to a deployment, and tells it in the same transaction. */
@Injectable()
export class DeploymentLog {
  constructor(
    private readonly deployments: DeploymentStore,
    private readonly steps: StepStore,
    private readonly boards: Boards,
    private readonly outbox: Outbox,
  ) {}

  /** An event of the deployment as it is now; answers how it stands. */
  async tell(
    tx: EntityManager,
    row: DeploymentRow,
    services: ReadonlyMap<string, InfrastructureFact>,
    about: Pick<DeploymentChanged, 'change' | 'agent' | 'step' | 'state' | 'reason' | 'drift'>,
  ): Promise<Stand> {
    const version = await this.deployments.nextEventVersion(tx, row.name);
    const stand = await this.boards.one(tx, row, services);
    await this.outbox.append(tx, deploymentChanged, {
      workspace: row.workspace,
      entity: row.id,
      version,
      payload: {
        id: fromUuid('deployment', row.id),
        name: row.name,
        status: stand.board.status,
        progress: stand.board.progress,
        ...about,
      },
    });
    return stand;
  }

  /** Moves a step, remembers what it took, and tells it. `registered` is the agent behind the agent of the deployment. */
  async moveStep(
    tx: EntityManager,
    row: DeploymentRow,
    registered: string,
    write: StepWrite,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<StepFact> {
    const fact = await this.steps.put(tx, row.workspace, row.id, write);
    if (write.state === 'done' && write.source !== 'reported') await this.steps.remember(tx, row.workspace, registered, write.step, fact);
    await this.tell(tx, row, services, {
      change: 'step',
      agent: write.agent,
      step: write.step,
      state: write.state,
      ...(write.note !== undefined && { reason: write.note }),
    });
    return fact;
  }
}
