import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import type { EntityManager } from 'typeorm';
import { AgentHealth } from '../agents/agent-health.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { rowsOf } from '../database/sql.ts';
import { lackText, type Standing } from '../deployments/agent-standing.ts';
import { DeploymentStore, type DeploymentRow } from '../deployments/deployment.store.ts';
import { Recovery } from '../recovery/recovery.ts';
import { dependantsOf, dependantMetrics, type Dependant, type HeldDependants } from './dependants.ts';

/** How often a deployment is looked at. What is seen once may be over at the next look: only what is seen twice in a row is acted on. */
const lookMs = 500;

interface Look {
  at: number;
  seen: string;
  /** What was last seen to; undefined: nothing since this replica has the deployment. */
  held: string | undefined;
  dependants: HeldDependants;
}

/** Sees to it that what is up lives without what it needs as its deployment declares: it goes on and says so, or is out of routing until that is there again. */
@Injectable()
export class DependencyWatch {
  private readonly looks = new Map<string, Look>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly recovery: Recovery,
    lifecycle: ServiceLifecycle,
  ) {
    lifecycle.measure(() => dependantMetrics([...this.looks.values()].map(({ dependants }) => dependants)));
  }

  /** Whether something was seen that is acted on when it is seen again. */
  async look(row: DeploymentRow, standings: Iterable<Standing>): Promise<boolean> {
    const last = this.looks.get(row.id);
    const at = performance.now();
    if (last !== undefined && at - last.at < lookMs) return last.seen !== last.held;
    const wanted = dependantsOf(standings);
    const seen = JSON.stringify([...wanted]);
    const isNew = seen === last?.seen && seen !== last.held;
    if (isNew && !(await this.db.inWorkspace(row.workspace, (tx) => this.hold(tx, row, wanted)))) return false;
    const held = isNew ? seen : last?.held;
    const dependants = { workspace: row.workspace, deployment: row.name, agents: [...wanted.values()] };
    this.looks.set(row.id, { at, seen, held, dependants });
    return seen !== held;
  }

  /** Another replica holds the deployment now, or nobody. */
  forget(deployment: string): void {
    this.looks.delete(deployment);
  }

  /** The deployment was stopped: it wants nothing of its agents any more. */
  async letGo(tx: EntityManager, row: DeploymentRow): Promise<void> {
    for (const agent of await this.marked(tx, row.id)) await this.apply(tx, row, agent, undefined);
  }

  /** Whether it was still this replica's to do. */
  private async hold(tx: EntityManager, row: DeploymentRow, wanted: ReadonlyMap<string, Dependant>): Promise<boolean> {
    const current = await this.deployments.find(tx, row.name);
    if (current === null || !current.started || current.hash !== row.hash || current.owner !== row.owner) return false;
    // In one order, so that two deployments never wait for each other's locks.
    const names = [...new Set([...wanted.keys(), ...(await this.marked(tx, row.id))])].sort();
    for (const agent of names) await this.apply(tx, row, agent, wanted.get(agent));
    return true;
  }

  private async apply(tx: EntityManager, row: DeploymentRow, agent: string, wanted: Dependant | undefined): Promise<void> {
    if ((await this.agents.lock(tx, agent)) === null) return;
    const stops = wanted?.lacks.some(({ then }) => then === 'stop') === true;
    const because = wanted === undefined ? null : lackText(wanted.lacks);
    if (stops) await this.recovery.isolateForNeed(tx, { workspace: row.workspace, agent, deployment: row.id, because: because! });
    else await this.recovery.releaseForNeed(tx, agent, row.id, wanted === undefined ? 'what it needs is there' : because!);
    await this.health.setLacks(tx, agent, row.id, stops ? null : because);
  }

  /** Agents of which it is said that the deployment wants something of them. */
  private async marked(tx: EntityManager, deployment: string): Promise<string[]> {
    const rows = await rowsOf<{ name: string }>(
      tx,
      `SELECT name FROM agent WHERE lacks ? $1::text AND lacks <> '{}' UNION SELECT agent FROM isolation WHERE deployment = $1::uuid ORDER BY name`,
      [deployment],
    );
    return rows.map(({ name }) => name);
  }
}
