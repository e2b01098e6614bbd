import { Injectable } from '@nestjs/common';
import type { FaultCause } from '@signalbox/shared/contracts/registry/isolation.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { AgentHealth } from '../agents/agent-health.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { rowsOf } from '../database/sql.ts';
import { IncidentStore, type IncidentRow, type NewEntry } from '../incidents/incident.store.ts';
import { KpiStore } from '../kpis/kpi.store.ts';
import { InstanceStore } from '../instances/instance.store.ts';
import { IsolationStore, wholeAgent, type IsolationRow } from './isolation.store.ts';
import { isolatedMax, onCallAt, pauseMs, policyOf, severityOf, type RecoveryPolicy } from './policy.ts';
import { Rollback } from './rollback.ts';

/** Who acts where nobody does. */
export const itself = 'registry';

/** A replacement that is not through by then, since it failed or who made it ended, is looked at again. */
const replaceMs = 30_000;

/** What was noticed of an agent or one of its instances. */
export interface Detection {
  workspace: string;
  agent: string;
  instance?: string | undefined;
  cause: FaultCause;
  because: string;
}

/** Causes that are no reason to isolate an instance: it is gone already, or is not what is wrong. */
const isolating: ReadonlySet<FaultCause> = new Set<FaultCause>(['errors', 'slow']);

/**
 * Takes agents and instances out of routing and lets them in again. Each stage is one transaction under the lock of the agent, so that replicas that notice
 * the same do it once, and an entry of an incident, which is told by an event.
 */
@Injectable()
export class Recovery {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly instances: InstanceStore,
    private readonly isolations: IsolationStore,
    private readonly incidents: IncidentStore,
    private readonly rollback: Rollback,
    private readonly kpis: KpiStore,
    private readonly audit: Audit,
  ) {}

  /** A fault was noticed: it is told, and what has it is isolated where the agent's policy says so. */
  detect({ workspace, agent, instance, cause, because }: Detection): Promise<void> {
    const noticedAt = performance.now();
    return this.db.inWorkspace(workspace, async (tx) => {
      if ((await this.agents.lock(tx, agent)) === null) return;
      const policy = await this.policyOf(tx, agent);
      const about = { agent, ...(instance !== undefined && { instance }) };
      if (instance !== undefined && (await this.isolations.find(tx, agent, instance)) !== null) return;
      const incident = await this.note(tx, policy, { workspace, cause, ...about, text: because, by: itself });
      if (incident === null) return;
      if (cause === 'crash-loop' && policy.rollback) {
        if (await this.rollBack(tx, incident, agent)) return;
        await this.incidents.raise(tx, incident.id, 'critical');
        const text = 'there is no earlier version that was good to go back to; a person goes on';
        return void (await this.incidents.add(tx, incident, { stage: 'given-up', text, by: itself, agent }));
      }
      if (instance === undefined) return;
      const isOurs = await this.isLocal(tx, agent, instance);
      // One that is lost is out of routing as it is; what remains is to replace a process of ours.
      if (cause === 'lost' && !isOurs) return;
      if (cause !== 'lost' && !isolating.has(cause)) return;
      const refusal = cause === 'lost' ? null : await this.refusal(tx, policy, agent);
      if (refusal !== null)
        return void (await this.incidents.add(tx, incident, { stage: 'escalated', text: refusal, by: itself, ...about }));
      await this.isolate(tx, incident, { cause, because, by: itself, instance, agent, attempt: 0 }, isOurs ? 0 : pauseMs(policy, 0));
      await this.kpis.observe(tx, workspace, 'isolate', agent, performance.now() - noticedAt, now());
      log.warn('an instance was isolated', { workspace, agent, instance, cause, because });
    });
  }

  /** Tells a fault of an agent after which nothing is isolated. The agent must be locked. */
  async tell(tx: EntityManager, { workspace, agent, cause, because }: Omit<Detection, 'instance'>): Promise<void> {
    await this.note(tx, await this.policyOf(tx, agent), { workspace, cause, agent, text: because, by: itself }, true);
  }

  /** A person isolates an agent or an instance: nothing follows by itself. The agent must be locked. */
  async isolateByHand(
    tx: EntityManager,
    { workspace, by, agent, instance, because }: { workspace: string; by: string; agent: string; instance: string; because: string },
  ): Promise<IsolationRow> {
    const known = await this.isolations.find(tx, agent, instance);
    if (known !== null) return known;
    const policy = await this.policyOf(tx, agent);
    const about = { agent, ...(instance !== wholeAgent && { instance }) };
    const noted = { workspace, cause: 'by-hand' as const, ...about, text: because, by };
    const incident = await this.note(tx, policy, noted, true);
    return this.isolate(tx, incident!, { cause: 'by-hand', because, by, agent, instance, attempt: 0 }, null);
  }

  /**
   * What an agent needs is not there, and its deployment declares that it stops then: it is out of routing until the deployment lets it in again. Nothing where it
   * is isolated as it is. The agent must be locked.
   */
  async isolateForNeed(
    tx: EntityManager,
    { workspace, agent, deployment, because }: { workspace: string; agent: string; deployment: string; because: string },
  ): Promise<void> {
    if ((await this.isolations.find(tx, agent, wholeAgent)) !== null) return;
    const fault = { workspace, cause: 'dependency' as const, agent, text: because, by: itself };
    const incident = await this.note(tx, await this.policyOf(tx, agent), fault, true);
    const isolation = { cause: 'dependency' as const, because, by: itself, agent, instance: wholeAgent, attempt: 0, deployment };
    await this.isolate(tx, incident!, isolation, null);
    log.warn('an agent was isolated for what it needs', { workspace, agent, because });
  }

  /** What it needs is there again, or its deployment wants nothing of it any more. The agent must be locked. */
  async releaseForNeed(tx: EntityManager, agent: string, deployment: string, text: string): Promise<void> {
    const row = await this.isolations.find(tx, agent, wholeAgent);
    if (row?.deployment === deployment) await this.release(tx, row, { stage: 'recovered', text, by: itself });
  }

  /** Lets an instance or an agent in again. The agent must be locked. */
  async release(tx: EntityManager, row: IsolationRow, entry: Pick<NewEntry, 'stage' | 'text' | 'by'>): Promise<void> {
    const { workspace, agent, instance, incident } = row;
    await this.isolations.remove(tx, agent, instance);
    if (entry.stage === 'recovered') await this.kpis.observe(tx, workspace, 'recover', agent, now() - row.since.getTime(), now());
    if (instance !== wholeAgent) await this.instances.setIsolated(tx, agent, instance, null);
    await this.incidents.add(tx, { id: incident, workspace }, { ...entry, agent, ...(instance !== wholeAgent && { instance }) });
    await this.health.refresh(tx, agent);
    await this.health.tell(tx, agent, 'routing');
  }

  /** The next attempt for an instance that is not ours to replace: it gets one task at a time. */
  beginTrial(due: IsolationRow): Promise<void> {
    return this.under(due, 'isolated', async (tx, row) => {
      await this.isolations.move(tx, row, { state: 'trial', attempt: row.attempt + 1, nextMs: null });
      if (row.instance !== wholeAgent) await this.instances.setIsolated(tx, row.agent, row.instance, null);
      await this.add(tx, row, { stage: 'trial', text: `attempt ${row.attempt + 1}: it gets one task at a time`, by: itself });
      await this.health.refresh(tx, row.agent);
      await this.health.tell(tx, row.agent, 'routing');
    });
  }

  /** A trial went well. */
  endTrial(row: IsolationRow): Promise<void> {
    return this.under(row, 'trial', (tx, current) =>
      this.release(tx, current, { stage: 'recovered', text: 'its tasks succeed again', by: itself }),
    );
  }

  /** A trial failed: it is isolated again, for longer, or given up. */
  failTrial(row: IsolationRow, because: string): Promise<void> {
    return this.under(row, 'trial', async (tx, current, policy) => {
      const { agent, instance, attempt } = current;
      if (attempt >= policy.attempts) return this.giveUp(tx, current, because);
      const waitMs = pauseMs(policy, attempt);
      await this.isolations.move(tx, current, { state: 'isolated', attempt, nextMs: waitMs });
      await this.instances.setIsolated(tx, agent, instance, because);
      await this.add(tx, current, {
        stage: 'isolated',
        text: `${because}; it is tried again in ${Math.round(waitMs / 1_000)} s`,
        by: itself,
      });
      await this.health.refresh(tx, agent);
    });
  }

  /** A process of ours is about to be replaced. False: it is not any more, or has been so often enough. */
  async beginReplacing(due: IsolationRow): Promise<boolean> {
    let isOn = false;
    await this.under(due, 'isolated', async (tx, row, policy) => {
      const attempts = await this.attemptsIn(tx, row);
      if (attempts >= policy.attempts) {
        const isBack = policy.rollback && (await this.rollBack(tx, { id: row.incident, workspace: row.workspace }, row.agent));
        if (!isBack) return this.giveUp(tx, row, `${attempts} processes were replaced, and the next is no better`);
      }
      isOn = true;
      await this.isolations.move(tx, row, { state: 'isolated', attempt: attempts + 1, nextMs: replaceMs });
      await this.add(tx, row, {
        stage: 'recovering',
        text: `attempt ${attempts + 1}: its process is replaced, its key taken back`,
        by: itself,
      });
    });
    return isOn;
  }

  /** Another process is in the place of one that was isolated. */
  replaced(row: IsolationRow, text: string): Promise<void> {
    return this.under(row, 'isolated', (tx, current) => this.release(tx, current, { stage: 'recovered', text, by: itself }));
  }

  /** An instance that is isolated will not come back: nothing is left to keep out. */
  letGo(row: IsolationRow): Promise<void> {
    return this.under(row, row.state, async (tx, current) => {
      const instance = await this.instances.find(tx, row.agent, row.instance);
      // It came back just now.
      if (instance !== null && instance.status !== 'gone') return;
      await this.release(tx, current, { stage: 'released', text: 'it is gone', by: itself });
    });
  }

  private async giveUp(tx: EntityManager, row: IsolationRow, because: string): Promise<void> {
    await this.isolations.move(tx, row, { state: 'given-up', attempt: row.attempt, nextMs: null });
    if (row.instance !== wholeAgent) await this.instances.setIsolated(tx, row.agent, row.instance, `given up: ${because}`);
    await this.incidents.raise(tx, row.incident, 'critical');
    await this.add(tx, row, { stage: 'given-up', text: `${because}; a person goes on`, by: itself });
    await this.health.refresh(tx, row.agent);
  }

  /** False: there is no version to go back to. */
  private async rollBack(tx: EntityManager, incident: Pick<IncidentRow, 'id' | 'workspace'>, agent: string): Promise<boolean> {
    const back = await this.rollback.begin(tx, agent);
    if (back === null) return false;
    const text = `rolled back from version ${back.from} to what version ${back.to} was`;
    await this.incidents.add(tx, incident, { stage: 'recovering', text, by: itself, agent });
    const nobody = { workspace: incident.workspace, principal: itself, name: itself };
    await this.audit.append(tx, nobody, { action: 'agent.rollback', target: `agent ${agent}`, detail: { from: back.from, to: back.to } });
    return true;
  }

  private async isolate(
    tx: EntityManager,
    { id: incident, workspace }: IncidentRow,
    {
      agent,
      instance,
      cause,
      because,
      by,
      attempt,
      deployment,
    }: { agent: string; instance: string; cause: FaultCause; because: string; by: string; attempt: number; deployment?: string },
    nextMs: number | null,
  ): Promise<IsolationRow> {
    const row = await this.isolations.insert(
      tx,
      { workspace, agent, instance, cause, because, incident, by_principal: by, attempt, deployment: deployment ?? null },
      nextMs,
    );
    if (instance !== wholeAgent) await this.instances.setIsolated(tx, agent, instance, because);
    await this.add(tx, row, { stage: 'isolated', text: 'out of routing; what it has is given to others', by });
    await this.health.refresh(tx, agent);
    if (instance === wholeAgent) await this.health.tell(tx, agent, 'routing');
    if (by === itself) {
      const target = instance === wholeAgent ? `agent ${agent}` : `instance ${agent}/${instance}`;
      await this.audit.append(
        tx,
        { workspace, principal: itself, name: itself },
        { action: 'agent.isolate', target, detail: { cause, because } },
      );
    }
    return row;
  }

  /** Notes a fault. Null: another replica has just done so. */
  private async note(
    tx: EntityManager,
    policy: RecoveryPolicy,
    {
      workspace,
      cause,
      agent,
      instance,
      text,
      by,
    }: { workspace: string; cause: FaultCause; agent: string; instance?: string; text: string; by: string },
    isAlways = false,
  ): Promise<IncidentRow | null> {
    const fault = {
      ...{ workspace, cause, agent, instance, text, by, severity: severityOf(cause, policy) },
      owner: policy.owner ?? null,
      onCall: onCallAt(policy.onCall, new Date(now())),
      runbook: policy.runbook ?? null,
      remindMs: policy.remindMs,
    };
    return this.incidents.note(tx, fault, isAlways);
  }

  private add(tx: EntityManager, row: IsolationRow, entry: Pick<NewEntry, 'stage' | 'text' | 'by'>): Promise<IncidentRow> {
    const { agent, instance, incident, workspace } = row;
    return this.incidents.add(tx, { id: incident, workspace }, { ...entry, agent, ...(instance !== wholeAgent && { instance }) });
  }

  /** Why no more instances of the agent are isolated by themselves; null: one more may be. */
  private async refusal(tx: EntityManager, policy: RecoveryPolicy, agent: string): Promise<string | null> {
    if (policy.isolate === 'manual') return 'it is not isolated: the agent is isolated by people alone (spec.recovery.isolate)';
    const isolated = await this.isolations.countBeating(tx, agent);
    const instances = await this.instances.beatingCount(tx, agent);
    if (isolated + 1 <= isolatedMax(policy, instances)) return null;
    return `it is not isolated: ${isolated} of ${instances} instances are already, and the rest must do the work (spec.recovery.isolatedShare)`;
  }

  /** Processes that were replaced in the same incident since a person did something. */
  private async attemptsIn(tx: EntityManager, { incident, agent }: IsolationRow): Promise<number> {
    const rows = await rowsOf<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM incident_entry WHERE incident = $1 AND agent = $2 AND stage = 'recovering' AND instance IS NOT NULL
         AND number > coalesce((SELECT max(number) FROM incident_entry WHERE incident = $1 AND by_principal <> $3), 0)`,
      [incident, agent, itself],
    );
    return rows[0]!.count;
  }

  private async isLocal(tx: EntityManager, agent: string, instance: string): Promise<boolean> {
    const rows = await rowsOf(tx, `SELECT 1 FROM runner_process WHERE registered_agent = $1 AND instance = $2`, [agent, instance]);
    return rows.length > 0;
  }

  private async policyOf(tx: EntityManager, agent: string): Promise<RecoveryPolicy> {
    const row = await this.agents.find(tx, agent);
    const version = row && (await this.agents.version(tx, row));
    return policyOf(version?.manifest.spec.recovery);
  }

  /** Does something to what is isolated, if it still is and in this state, under the agent's lock. */
  private under(
    { workspace, agent, instance, incident }: IsolationRow,
    state: IsolationRow['state'],
    work: (tx: EntityManager, row: IsolationRow, policy: RecoveryPolicy) => Promise<unknown>,
  ): Promise<void> {
    return this.db.inWorkspace(workspace, async (tx) => {
      await this.agents.lock(tx, agent);
      const row = await this.isolations.find(tx, agent, instance);
      if (row === null || row.state !== state || row.incident !== incident) return;
      await work(tx, row, await this.policyOf(tx, agent));
    });
  }

  /** `not_found`: it is not isolated. */
  notIsolated(agent: string, instance: string | undefined): Fault {
    const what = instance === undefined ? `the agent ${agent}` : `the instance ${instance} of ${agent}`;
    return new Fault('not_found', `${what} is not isolated`, 'Look at what is: signalbox isolations.');
  }
}
