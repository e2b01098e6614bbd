import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { EntityManager } from 'typeorm';
import { Boards } from '../deployments/boards.ts';
import { DeploymentLog } from '../deployments/deployment-log.ts';
import { DeploymentStore, type DeploymentRow } from '../deployments/deployment.store.ts';
import type { InfrastructureFact } from '../deployments/facts.ts';
import { Drifts } from './drifts.ts';

/** How often a deployment is looked at: drift is told within two looks. */
const lookMs = 5_000;
/** How many of the things that are not as wanted an event names. */
const toldMax = 3;

/** Tells when the drift of a deployment that this replica holds begins and ends. What is seen once may be a change that is under way: it is told when it is seen again. */
@Injectable()
export class DriftWatch {
  private readonly looks = new Map<string, { at: number; hasDrifted: boolean }>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly boards: Boards,
    private readonly drifts: Drifts,
    private readonly log: DeploymentLog,
  ) {}

  async look(row: DeploymentRow, services: ReadonlyMap<string, InfrastructureFact>): Promise<void> {
    const last = this.looks.get(row.id);
    if (last !== undefined && performance.now() - last.at < lookMs) return;
    const hasDrifted = await this.db.inWorkspace(row.workspace, (tx) => this.lookIn(tx, row, last?.hasDrifted ?? false, services));
    this.looks.set(row.id, { at: performance.now(), hasDrifted });
  }

  /** Another replica holds the deployment now, or nobody. */
  forget(deployment: string): void {
    this.looks.delete(deployment);
  }

  private async lookIn(
    tx: EntityManager,
    row: DeploymentRow,
    hadDrifted: boolean,
    services: ReadonlyMap<string, InfrastructureFact>,
  ): Promise<boolean> {
    const seen = await this.drifts.of(tx, await this.boards.one(tx, row, services));
    const hasDrifted = seen.length > 0;
    if (hasDrifted && !hadDrifted) return true;
    if (hasDrifted === (row.drifted_at !== null)) return hasDrifted;
    const current = await this.deployments.find(tx, row.name, { lock: true });
    if (current === null || !current.started || current.owner !== row.owner || hasDrifted === (current.drifted_at !== null))
      return hasDrifted;
    await this.deployments.setDrifted(tx, row.name, hasDrifted);
    const named = seen.slice(0, toldMax).map(({ member, because }) => `${member}: ${because}`);
    const more = seen.length > toldMax ? `; and ${seen.length - toldMax} more` : '';
    await this.log.tell(tx, current, services, {
      change: 'drift',
      drift: seen.length,
      reason: hasDrifted ? `${named.join('; ')}${more}` : 'all is as the manifest wants it again',
    });
    return hasDrifted;
  }
}
