import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { AgentStore } from '../agents/agent.store.ts';
import type { RegisteredAgent } from '../bring-up/step-outcome.ts';
import { workerOrder } from '../bring-up/worker-order.ts';
import type { Standing } from '../deployments/agent-standing.ts';
import type { DeploymentRow } from '../deployments/deployment.store.ts';
import type { PlannedAgent } from '../deployments/plan.ts';
import type { AutoscaleSpec } from '../manifests/manifest.ts';
import { LocalRunner } from '../runners/local-runner.ts';
import { QueueReader } from './queues.ts';
import { drainMsDefault, recommend, remember, settle, type Look, type QueueFact } from './scale.ts';
import { ScaleStore } from './scale.store.ts';

/** How often the queues of a deployment's agents are looked at. */
const lookMs = 1_000;

/** After a look that failed: whoever is away must not hold up the deployment at every look. */
const awayMs = 5_000;

interface Pool {
  wanted: number;
  looks: Look[];
}

/** An agent of a deployment whose processes are scaled here. */
interface Scaled {
  planned: PlannedAgent;
  agent: RegisteredAgent;
  spec: AutoscaleSpec;
}

/** Scales the processes of the deployments that this replica holds, by what waits for them. */
@Injectable()
export class Autoscaler {
  private readonly deployments = new Map<string, { at: number; pools: Map<string, Pool> }>();

  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly queues: QueueReader,
    private readonly scales: ScaleStore,
    private readonly agents: AgentStore,
    private readonly runner: LocalRunner,
  ) {}

  /** Looks at the queues of all that is scaled and is up, and has more or fewer processes run. */
  async look(row: DeploymentRow, standings: Iterable<Standing>, agents: ReadonlyMap<string, RegisteredAgent>): Promise<void> {
    const scaled = [...standings].flatMap((standing) => scaledOf(standing, agents));
    const known = this.deployments.get(row.id);
    if (row.bearer === null || scaled.length === 0 || (known && performance.now() - known.at < lookMs)) return;
    this.of(row.id).at = performance.now();
    try {
      const queues = await this.queues.of(await this.bus.as(row.bearer));
      for (const each of scaled) await this.scale(row, each, queues(each.agent.name));
    } catch (err) {
      // As many as there are is the best that is known.
      log.warn('what waits for workers is not known; their number stays', { deployment: row.name, err });
      this.of(row.id).at = performance.now() + awayMs;
    }
  }

  /** How many processes the pool is to have: what it had last, else the least. */
  async wantedOf(row: Pick<DeploymentRow, 'id' | 'workspace'>, member: string, spec: AutoscaleSpec): Promise<number> {
    const { pools } = this.of(row.id);
    const pool = pools.get(member) ?? {
      wanted: (await this.db.inWorkspace(row.workspace, (tx) => this.scales.wantedOf(tx, row.id, member))) ?? spec.min,
      looks: [],
    };
    pools.set(member, pool);
    return Math.min(spec.max, Math.max(spec.min, pool.wanted));
  }

  /** Another replica holds the deployment now, or nobody. */
  forget(deployment: string): void {
    this.deployments.delete(deployment);
  }

  private async scale(row: DeploymentRow, { planned, agent, spec }: Scaled, queue: QueueFact): Promise<void> {
    const current = await this.wantedOf(row, planned.name, spec);
    const pool = this.of(row.id).pools.get(planned.name)!;
    // What others run takes its part of the work, also what another deployment has just begun to start.
    const live = agent.live - this.runner.countOf(row.id, planned.name);
    const elsewhere = await this.db.inWorkspace(row.workspace, (tx) => this.scales.wantedByOthers(tx, agent.name, row.id));
    const others = Math.max(live, elsewhere);
    const { wanted, because } = recommend(spec, agent.spec.worker?.concurrency ?? 1, queue, current + others);
    pool.looks = remember(spec, pool.looks, { at: performance.now(), wanted: Math.max(spec.min, wanted - others), because });
    const next = settle(spec, pool.looks, current);
    if (next === null) return;
    const facts = { workspace: row.workspace, deployment: row.id, name: row.name, member: planned.name, agent: agent.name };
    const isPut = await this.db.inWorkspace(row.workspace, async (tx) => {
      await this.agents.lock(tx, agent.name);
      // Another deployment was quicker: at the next look that is known.
      if ((await this.scales.wantedByOthers(tx, agent.name, row.id)) !== elsewhere) return false;
      await this.scales.put(tx, facts, current, next.wanted, next.because);
      return true;
    });
    if (!isPut) return;
    pool.wanted = next.wanted;
    log.info('a pool of workers is scaled', {
      deployment: row.name,
      agent: agent.name,
      from: current,
      to: next.wanted,
      because: next.because,
    });
    const order = workerOrder({ deployment: { ...row, bearer: row.bearer! }, planned, agent }, next.wanted)!;
    this.runner.scale(order, spec.drainMs ?? drainMsDefault, next.because);
  }

  private of(deployment: string): { at: number; pools: Map<string, Pool> } {
    const known = this.deployments.get(deployment) ?? { at: -Infinity, pools: new Map<string, Pool>() };
    this.deployments.set(deployment, known);
    return known;
  }
}

/** What is up of the local runner and scales. */
function scaledOf({ planned, steps }: Standing, agents: ReadonlyMap<string, RegisteredAgent>): Scaled[] {
  const agent = planned.kind === 'agent' ? agents.get(planned.agent) : undefined;
  const spec = agent?.spec.worker?.autoscale;
  if (agent === undefined || spec === undefined || agent.spec.worker?.runner !== 'local') return [];
  const isUp = steps.every(({ planned: step, fact }) => step.source !== 'runner' || fact.state === 'done');
  return isUp ? [{ planned, agent, spec }] : [];
}
