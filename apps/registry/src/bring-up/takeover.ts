import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { AgentHealth } from '../agents/agent-health.ts';
import { Boards } from '../deployments/boards.ts';
import { DeploymentLog } from '../deployments/deployment-log.ts';
import { DeploymentStore, type DeploymentRow } from '../deployments/deployment.store.ts';
import { stepKey } from '../deployments/facts.ts';
import { MemberStore } from '../deployments/member.store.ts';
import { planOf, registeredName } from '../deployments/plan.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import { InstanceStore } from '../instances/instance.store.ts';
import { LocalRunner } from '../runners/local-runner.ts';
import { MigrationRunner } from '../runners/migration-runner.ts';
import { ProcessStore, type ProcessRow } from '../runners/process.store.ts';
import { endWorkerKey } from '../runners/worker-key.ts';
import { ScaleStore } from '../scaling/scale.store.ts';
import { Autoscaler } from '../scaling/autoscaler.ts';
import { DependencyWatch } from './dependency-watch.ts';
import { MemberWatch } from './member-watch.ts';

/** What is to be put right when a replica gets a deployment, and when a deployment ends. */
@Injectable()
export class Takeover {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly deployments: DeploymentStore,
    private readonly log: DeploymentLog,
    private readonly boards: Boards,
    private readonly members: MemberStore,
    private readonly scales: ScaleStore,
    private readonly processes: ProcessStore,
    private readonly instances: InstanceStore,
    private readonly health: AgentHealth,
    private readonly runner: LocalRunner,
    private readonly migrations: MigrationRunner,
    private readonly memberWatch: MemberWatch,
    private readonly dependencyWatch: DependencyWatch,
    private readonly driftWatch: DriftWatch,
    private readonly autoscaler: Autoscaler,
  ) {}

  /**
   * Processes of the deployment that are written down ended with the replica that started them: their instances are gone, their keys are taken
   * back, and the steps that started them are to be done again.
   */
  async takeOver(row: DeploymentRow): Promise<void> {
    const services = await this.boards.look([planOf(row.manifest)]);
    const left = await this.db.inWorkspace(row.workspace, async (tx) => {
      const gone = await this.forgetProcesses(tx, row, 'the registry that ran it ended', true);
      const agents = new Set(gone.map((process) => process.agent));
      const stand = await this.boards.one(tx, row, services);
      for (const agent of stand.plan.agents.filter(({ name }) => agents.has(name))) {
        for (const step of agent.steps) {
          if (step.source !== 'runner' || stand.facts.steps.get(stepKey(agent.name, step.name)) === undefined) continue;
          const note = 'its process ended with the registry that ran it';
          const write = {
            agent: agent.name,
            step: step.name,
            source: step.source,
            state: 'pending',
            fraction: 0,
            note,
            by: 'service:registry',
          } as const;
          await this.log.moveStep(tx, row, registeredName(agent), write, services);
        }
      }
      return gone;
    });
    if (left.length > 0) log.info('a deployment is brought up again', { deployment: row.name, processes: left.length });
    await this.endKeys(row, left);
  }

  /** After a stop: no process, no key, no grant is left of it, and all that the registry itself found out is forgotten. */
  async letGo(row: DeploymentRow): Promise<void> {
    await this.runner.stop(row.id, 'its deployment was stopped');
    await this.migrations.stop(row.id, 'its deployment was stopped');
    this.memberWatch.forget(row.id);
    this.dependencyWatch.forget(row.id);
    this.driftWatch.forget(row.id);
    this.autoscaler.forget(row.id);
    const services = await this.boards.look([planOf(row.manifest)]);
    const left = await this.db.inWorkspace(row.workspace, async (tx) => {
      const current = await this.deployments.find(tx, row.name, { lock: true });
      if (current === null || current.started) return null;
      const gone = await this.forgetProcesses(tx, row, 'its deployment was stopped', false);
      // What a migration did stays done.
      const migrations = planOf(current.manifest).agents.filter(({ kind }) => kind === 'migration');
      await tx.query(
        `DELETE FROM deployment_step WHERE deployment = $1 AND source <> 'reported' AND NOT (state = 'done' AND agent = ANY($2))`,
        [row.id, migrations.map(({ name }) => name)],
      );
      await this.members.keepOnly(tx, row.id, []);
      await this.scales.forget(tx, row.id);
      await this.dependencyWatch.letGo(tx, row);
      await this.deployments.endBearer(tx, row.name);
      await this.log.tell(tx, current, services, { change: 'stopped' });
      return gone;
    });
    if (left === null) return;
    await this.endKeys(row, left);
    if (row.bearer !== null) {
      await this.bus
        .request(revokeGrant, { grant: row.bearer }, 'service')
        .catch((err: unknown) => log.warn('the grant of a stopped deployment was not given back', { deployment: row.name, err }));
    }
  }

  private async forgetProcesses(tx: EntityManager, row: DeploymentRow, reason: string, isLost: boolean): Promise<ProcessRow[]> {
    const gone = await this.processes.remove(tx, row.id);
    for (const agent of new Set(gone.map((process) => process.registered_agent))) {
      await tx.query(`SELECT 1 FROM agent WHERE name = $1 FOR UPDATE`, [agent]);
      for (const process of gone.filter((candidate) => candidate.registered_agent === agent)) {
        await this.instances.leave(tx, agent, process.instance, reason, isLost);
      }
      if (!isLost) await this.instances.forgetLosses(tx, agent);
      await this.health.refresh(tx, agent);
    }
    return gone;
  }

  private async endKeys(row: DeploymentRow, processes: readonly ProcessRow[]): Promise<void> {
    if (row.bearer === null) return;
    for (const { api_key_id } of processes) if (api_key_id !== null) await endWorkerKey(this.bus, row.bearer, api_key_id);
  }
}
