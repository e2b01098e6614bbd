import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { EventMeta } from '@signalbox/shared/bus/event-meta.js';
import { HandlesEvent } from '@signalbox/shared/bus/handles.js';
import { instancesMeasured, InstancesMeasured, type TaskFault } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { tasksTakenBack, TasksTakenBack } from '@signalbox/shared/contracts/execution/tasks-taken-back.js';
import { workflowScaled, WorkflowScaled } from '@signalbox/shared/contracts/execution/workflow-scaled.js';
import { agentChanged, AgentChanged, instanceChanged, InstanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { AnsweredAgents } from '../agents/answered-agents.ts';
import { rowsOf } from '../database/sql.ts';
import { KpiStore } from '../kpis/kpi.store.ts';
import { IncidentStore } from '../incidents/incident.store.ts';
import { InstanceStore, type InstanceRow } from '../instances/instance.store.ts';
import { RolloutMeasures } from '../rollouts/rollout-measures.ts';
import { wholeAgent, IsolationStore } from './isolation.store.ts';
import { Outliers } from './outliers.ts';
import { itself, Recovery } from './recovery.ts';

/** So many losses of one agent within the time are a loop that takes its processes down. */
const loopLosses = 6;
const loopMs = 120_000;
/** The loss of an instance that is gone for longer was noted when its own event came. */
const justLostMs = 5_000;
/** What was wrong so long ago was seen to then, or is no longer: a stream that was lost is told again for a day. */
const newsMs = 15 * 60_000;

/** Hears what is wrong: of instances and agents from the registry's own events, of their work from execution. */
@Controller()
export class FaultListener {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly recovery: Recovery,
    private readonly outliers: Outliers,
    private readonly answered: AnsweredAgents,
    private readonly rollouts: RolloutMeasures,
    private readonly incidents: IncidentStore,
    private readonly isolations: IsolationStore,
    private readonly instances: InstanceStore,
    private readonly kpis: KpiStore,
  ) {}

  @HandlesEvent(instanceChanged)
  async onInstance(@Payload() { agent, instance, status, statusReason, isLost }: InstanceChanged, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace, at } = meta.data;
    if (status !== 'gone' || isLost !== true || at < now() - newsMs) return;
    await this.recovery.detect({ workspace, agent, instance, cause: 'lost', because: statusReason ?? 'it is gone' });
    const losses = await this.db.inWorkspace(workspace, (tx) =>
      rowsOf<{ count: number }>(
        tx,
        `SELECT count(*)::int AS count FROM instance WHERE agent = $1 AND status = 'gone' AND was_lost
           AND last_beat_at > now() - $2 * interval '1 millisecond' AND started_at > now() - $2 * interval '1 millisecond'`,
        [agent, loopMs],
      ),
    );
    const count = losses[0]!.count;
    if (count < loopLosses) return;
    await this.recovery.detect({
      workspace,
      agent,
      cause: 'crash-loop',
      because: `${count} instances came and were lost within two minutes`,
    });
  }

  @HandlesEvent(agentChanged)
  async onAgent(@Payload() { name: agent, kind, change, status, statusReason }: AgentChanged, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace, at } = meta.data;
    if (change !== 'status' || (status !== 'failed' && status !== 'degraded') || at < now() - newsMs) return;
    const because = statusReason ?? `it is ${status}`;
    if (kind !== 'worker') {
      if (status === 'failed') await this.recovery.detect({ workspace, agent, cause: 'probe', because });
      return;
    }
    const [failed] = await this.db.inWorkspace(workspace, (tx) =>
      rowsOf<{ failure: string }>(tx, `SELECT failure FROM runner_process WHERE registered_agent = $1 AND failure IS NOT NULL LIMIT 1`, [
        agent,
      ]),
    );
    if (failed) await this.recovery.detect({ workspace, agent, cause: 'crash-loop', because: failed.failure });
  }

  @HandlesEvent(instancesMeasured)
  async onMeasured(@Payload() { instances, versions = [], poison, overBudget }: InstancesMeasured, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace } = meta.data;
    this.rollouts.hear(workspace, versions);
    for (const task of poison) await this.tell(workspace, 'poison-task', task);
    for (const task of overBudget) await this.tell(workspace, 'budget', task);
    await this.answered.hear(workspace, instances);
    await this.outliers.hear(workspace, instances);
  }

  @HandlesEvent(workflowScaled)
  async onScaled(@Payload() { workflow, to, isScaledBack, because, agents = [] }: WorkflowScaled, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace, at } = meta.data;
    const [agent] = agents;
    if (!isScaledBack || agent === undefined || at < now() - newsMs) return;
    const told = `new runs of ${workflow} get ${to}: ${because}`;
    await this.recovery.detect({ workspace, agent, cause: 'capacity', because: told });
  }

  @HandlesEvent(tasksTakenBack)
  async onTakenBack(@Payload() { agent, instance, tasks }: TasksTakenBack, @Ctx() meta: EventMeta): Promise<void> {
    const { workspace, id, at } = meta.data;
    const lost = instance === undefined ? null : await this.lost(workspace, agent, instance);
    // Mostly this comes before the event of the loss itself, which opens the incident.
    if (lost !== null && at - lost.changed_at.getTime() < justLostMs) {
      await this.recovery.detect({ workspace, agent, instance, cause: 'lost', because: lost.status_reason ?? 'it is gone' });
    }
    await this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.isolations.find(tx, agent, instance ?? wholeAgent);
      const since = lost?.changed_at ?? row?.since;
      if (since === undefined) return;
      const noted = row === null ? await this.incidents.openOf(tx, 'lost', agent) : await this.incidents.lock(tx, row.incident);
      if (noted === null || (await this.incidents.has(tx, noted.id, id))) return;
      const text = `${tasks} ${tasks === 1 ? 'task was' : 'tasks were'} taken back and given to others`;
      const about = { agent, ...(instance !== undefined && { instance }) };
      await this.incidents.add(tx, noted, { stage: 'redistributed', text, by: itself, ...about, id });
      if (tasks > 0) await this.kpis.observe(tx, workspace, 'redistribute', agent, at - since.getTime(), now());
    });
  }

  /** The instance, if it is gone without having been asked to go. */
  private async lost(workspace: string, agent: string, instance: string): Promise<InstanceRow | null> {
    const row = await this.db.inWorkspace(workspace, (tx) => this.instances.find(tx, agent, instance));
    return row?.status === 'gone' && row.is_lost ? row : null;
  }

  private tell(workspace: string, cause: 'poison-task' | 'budget', { agent, run, step, attempt, detail }: TaskFault): Promise<void> {
    return this.recovery.detect({ workspace, agent, cause, because: `attempt ${attempt} of ${step} in ${run}: ${detail}` });
  }
}
