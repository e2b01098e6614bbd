import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { rowsOf } from '../database/sql.ts';
import type { DeploymentRow } from '../deployments/deployment.store.ts';
import type { WorkerSpec } from '../manifests/manifest.ts';
import { processChanges, type WantedProcesses } from '../rollouts/process-changes.ts';
import { RolloutStore } from '../rollouts/rollout.store.ts';
import type { RolloutRow } from '../rollouts/rollout-row.ts';
import { LocalRunner, type WorkerOrder } from '../runners/local-runner.ts';
import { Autoscaler } from '../scaling/autoscaler.ts';
import { RegisteredAgents } from './registered-agents.ts';
import type { RegisteredAgent } from './step-outcome.ts';

/** What is to be done with the processes of one agent. */
interface Found {
  /** Its name in the deployment. */
  planned: string;
  agent: RegisteredAgent;
  /** By version. */
  workers: Map<number, { worker: WorkerSpec; hash: string }>;
  /** What is under way. */
  rollout: RolloutRow | null;
  isPromoted: boolean;
  live: ReadonlySet<string>;
}

/** Has the local runner start processes of versions that are rolled out or gone back to, and end those of versions that lost. */
@Injectable()
export class RolloutProcesses {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly registered: RegisteredAgents,
    private readonly rollouts: RolloutStore,
    private readonly runner: LocalRunner,
    private readonly autoscaler: Autoscaler,
  ) {}

  /** Whether something is under way, so that it is to be looked at again soon. */
  async keep(row: DeploymentRow): Promise<boolean> {
    const running = this.runner.agentsOf(row.id);
    const grant = row.bearer;
    if (running.length === 0 || grant === null) return false;
    const found = await this.db.inWorkspace(row.workspace, (tx) => this.look(tx, row.id, running));
    let isMoving = false;
    for (const each of found) {
      const { planned, agent, workers, live } = each;
      const wanted = await this.wantedOf(row, each);
      const slots = this.runner.processesOf(row.id, planned);
      const { end, begin } = processChanges(
        wanted,
        slots.map(({ instance, ...slot }) => ({ ...slot, isUp: live.has(instance) })),
      );
      isMoving ||= end.length + begin.length > 0 || slots.some(({ instance }) => !live.has(instance));
      await Promise.all(end.map((slot) => this.runner.endAt(row.id, planned, slot, 'another version takes its place')));
      for (const { slot, version } of begin) {
        const { worker, hash } = workers.get(version)!;
        const registered = { id: agent.id, name: agent.name, version, hash };
        const order: WorkerOrder = { workspace: row.workspace, deployment: row.id, agent: planned, registered, worker, grant };
        this.runner.beginAt(order, slot);
      }
    }
    return isMoving;
  }

  /** The agents whose processes a rollout or a return to an earlier version concerns. */
  private async look(tx: EntityManager, deployment: string, running: readonly string[]): Promise<Found[]> {
    const nameOf = (planned: string): string => this.runner.registeredOf(deployment, planned)!;
    const agents = await this.registered.byName(tx, [...new Set(running.map(nameOf))]);
    const found: Found[] = [];
    for (const planned of running) {
      const agent = agents.get(nameOf(planned));
      const rollout = agent && (await this.rollouts.newestOf(tx, agent.id));
      const current = agent && localWorker(agent.spec);
      if (!agent || !current) continue;
      const isPromoted = agent.isReturn || (rollout?.status === 'promoted' && rollout.version === agent.version);
      // A version that a person applied at once takes its place when the deployment is started again.
      if (!isPromoted && (!rollout || rollout.status === 'promoted')) continue;
      const workers = new Map([[agent.version, { worker: current, hash: agent.hash }]]);
      const open = rollout?.ended_at === null ? rollout : null;
      const version = open && (await this.agents.version(tx, agent, open.version));
      const next = version && localWorker(version.manifest.spec);
      if (next) workers.set(version.version, { worker: next, hash: version.hash });
      found.push({ planned, agent, workers, rollout: next ? open : null, isPromoted, live: await this.liveOf(tx, agent.name) });
    }
    return found;
  }

  private async wantedOf(row: DeploymentRow, { planned, agent, workers, rollout, isPromoted }: Found): Promise<WantedProcesses> {
    const replicasOf = async (version: number): Promise<number> => {
      const { autoscale, replicas = 1 } = workers.get(version)!.worker;
      return autoscale === undefined ? replicas : this.autoscaler.wantedOf(row, planned, autoscale);
    };
    return {
      current: { version: agent.version, replicas: await replicasOf(agent.version) },
      candidate: rollout && candidateOf(rollout, await replicasOf(rollout.version)),
      isPromoted,
    };
  }

  private async liveOf(tx: EntityManager, agent: string): Promise<ReadonlySet<string>> {
    const rows = await rowsOf<{ instance: string }>(tx, `SELECT instance FROM instance WHERE agent = $1 AND status = 'live'`, [agent]);
    return new Set(rows.map(({ instance }) => instance));
  }
}

/** As many processes as its share of the calls needs; one at least, which says that it can take any. */
function candidateOf({ plan, step, version }: RolloutRow, replicas: number): NonNullable<WantedProcesses['candidate']> {
  const { share } = plan.steps[step]!;
  const isWhole = plan.strategy === 'blue-green' || plan.strategy === 'all-at-once';
  return { version, count: isWhole ? replicas : Math.max(1, Math.ceil(share * replicas)), replaces: plan.strategy === 'rolling' };
}

function localWorker({ kind, worker }: RegisteredAgent['spec']): WorkerSpec | null {
  return kind === 'worker' && worker?.runner === 'local' ? worker : null;
}
