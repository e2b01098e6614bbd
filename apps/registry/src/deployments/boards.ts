import { Injectable } from '@nestjs/common';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import type { DeploymentSummary } from '@signalbox/shared/contracts/registry/deployment.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { EntityManager } from 'typeorm';
import { stageOfAgent } from '../agents/agent.store.ts';
import { rowsOf } from '../database/sql.ts';
import { boardOf } from './board.ts';
import { unknownDeployment } from './deployment.ts';
import { DeploymentStore, type DeploymentRow } from './deployment.store.ts';
import type { AgentFact, Facts, InfrastructureFact, MemberFact } from './facts.ts';
import { Infrastructure } from './infrastructure.ts';
import { MemberStore } from './member.store.ts';
import { agentNames, planOf, registeredName, type Plan } from './plan.ts';
import { StepStore } from './step.store.ts';

/** A deployment with its plan, what is known of it, and its board. */
export interface Stand {
  row: DeploymentRow;
  plan: Plan;
  facts: Facts;
  board: Board;
}

interface AgentFactRow {
  name: string;
  status: AgentFact['status'];
  status_reason: string | null;
  breaker: AgentFact['breaker'] | null;
  stage: AgentFact['stage'] | null;
}

/** Reads what boards are computed from, and computes them. */
@Injectable()
export class Boards {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly steps: StepStore,
    private readonly infrastructure: Infrastructure,
    private readonly members: MemberStore,
  ) {}

  /** The services that the plans wait for: to be asked before a transaction begins, since it may take a moment. */
  look(plans: readonly Plan[]): Promise<Map<string, InfrastructureFact>> {
    return this.infrastructure.services(dependenciesOf(plans));
  }

  /** A deployment, with the services that it waits for. `not_found`. */
  async lookAt(workspace: string, name: string): Promise<{ row: DeploymentRow; services: Map<string, InfrastructureFact> }> {
    const row = await this.db.inWorkspace(workspace, (tx) => this.deployments.find(tx, name));
    if (row === null) throw unknownDeployment(name);
    return { row, services: await this.look([planOf(row.manifest)]) };
  }

  /** How each deployment stands now. */
  async of(
    tx: EntityManager,
    rows: readonly DeploymentRow[],
    services: ReadonlyMap<string, InfrastructureFact>,
    seen?: ReadonlyMap<string, MemberFact>,
  ): Promise<Stand[]> {
    if (rows.length === 0) return [];
    const plans = rows.map((row) => planOf(row.manifest));
    const agents = await this.agentFacts(tx, [...new Set(plans.flatMap(agentNames))]);
    const history = await this.steps.history(tx, [...new Set(plans.flatMap((plan) => plan.agents.map(registeredName)))]);
    const ids = rows.map((row) => row.id);
    const members = await this.members.of(tx, ids);
    const infrastructure = new Map([...services, ...(await this.infrastructure.servers(tx, dependenciesOf(plans)))]);
    const steps = await this.steps.of(tx, ids);
    return rows.map((row, index) => {
      const facts: Facts = {
        steps: steps.get(row.id)!,
        agents,
        members: seen ?? members.get(row.id)!,
        infrastructure,
        history,
        now: new Date(now()),
      };
      const plan = plans[index]!;
      return { row, plan, facts, board: boardOf(row.name, plan, facts) };
    });
  }

  /** How one stands. `seen`: what was just answered of its members, in place of what was written down. */
  async one(
    tx: EntityManager,
    row: DeploymentRow,
    services: ReadonlyMap<string, InfrastructureFact>,
    seen?: ReadonlyMap<string, MemberFact>,
  ): Promise<Stand> {
    const [stand] = await this.of(tx, [row], services, seen);
    return stand!;
  }

  private async agentFacts(tx: EntityManager, names: readonly string[]): Promise<Map<string, AgentFact>> {
    const rows = await rowsOf<AgentFactRow>(
      tx,
      `SELECT a.name, a.status, a.status_reason, a.breaker, ${stageOfAgent} AS stage FROM agent AS a WHERE a.name = ANY($1)`,
      [names],
    );
    return new Map(
      rows.map((row) => [
        row.name,
        {
          status: row.status,
          ...(row.status_reason !== null && { statusReason: row.status_reason }),
          ...(row.breaker !== null && { breaker: row.breaker! }),
          ...(row.stage !== null && { stage: row.stage! }),
        },
      ]),
    );
  }
}

function dependenciesOf(plans: readonly Plan[]): string[] {
  return plans.flatMap((plan) => plan.agents.flatMap((agent) => agent.dependsOn));
}

/** A deployment as lists show it. */
export function deploymentView({ row, board }: Pick<Stand, 'row' | 'board'>): DeploymentSummary {
  return {
    id: fromUuid('deployment', row.id),
    name: row.name,
    description: row.description,
    labels: row.labels,
    status: board.status,
    progress: board.progress,
    agents: board.agents.length,
    done: board.agents.filter((agent) => agent.status === 'done').length,
    eta: board.eta,
    started: row.started,
    version: row.version,
    hash: row.hash,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
