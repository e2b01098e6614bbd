import { Injectable } from '@nestjs/common';
import type { InstanceMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { AgentStore } from '../agents/agent.store.ts';
import { Measures, outliersOf, type Outcomes } from './measures.ts';
import { policyOf, type RecoveryPolicy } from './policy.ts';
import type { IsolationRow } from './isolation.store.ts';
import { Recovery } from './recovery.ts';
import { RecoveryWatch } from './recovery-watch.ts';

/** Policies of agents are kept so long. */
const policyKeepMs = 5_000;
const policiesMax = 10_000;
/** A fault that was told is not told again by this replica for so long. */
const quietMs = 10_000;
const toldMax = 10_000;

/** Judges what instances do against the others of their agent, and those on trial by themselves. */
@Injectable()
export class Outliers {
  private readonly measures = new Measures();
  private readonly policies = new Map<string, { policy: RecoveryPolicy; at: number }>();
  private readonly told = new Map<string, number>();
  /** Successes of instances on trial, since it began. */
  private readonly trials = new Map<string, number>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly recovery: Recovery,
    private readonly watch: RecoveryWatch,
  ) {}

  async hear(workspace: string, measured: readonly InstanceMeasure[]): Promise<void> {
    const at = performance.now();
    const heard = new Map<string, string>();
    for (const measure of measured) {
      const trial = this.watch.trials.find((row) => isOf(row, workspace, measure));
      if (trial !== undefined) await this.judge(trial, measure);
      else this.measures.add(groupOf(workspace, measure), measure, at);
      heard.set(groupOf(workspace, measure), measure.agent);
    }
    for (const [group, agent] of heard) await this.compare(workspace, agent, group, at);
  }

  private async judge(trial: IsolationRow, measure: InstanceMeasure): Promise<void> {
    const { succeeded, failed } = measure;
    const key = `${trial.workspace} ${trial.agent} ${trial.instance} ${trial.attempt}`;
    if (failed > 0) {
      this.trials.delete(key);
      return this.recovery.failTrial(trial, 'a task failed while it was tried');
    }
    const count = (this.trials.get(key) ?? 0) + succeeded;
    const { trialCalls } = await this.policy(trial.workspace, trial.agent, performance.now());
    if (this.trials.size >= toldMax) this.trials.clear();
    if (count < trialCalls) return void this.trials.set(key, count);
    this.trials.delete(key);
    // What was taken from it when it was isolated was told afterwards, as failed.
    this.measures.forget(groupOf(trial.workspace, measure), trial.instance);
    await this.recovery.endTrial(trial);
  }

  private async compare(workspace: string, agent: string, group: string, at: number): Promise<void> {
    const outcomes = this.measures.of(group, at);
    if (outcomes.size < 2 || !mayStandOut(outcomes)) return;
    const policy = await this.policy(workspace, agent, at);
    for (const { instance, cause, because } of outliersOf(outcomes, policy)) {
      const fault = `${group} ${instance} ${cause}`;
      if (at - (this.told.get(fault) ?? -Infinity) < quietMs) continue;
      if (this.told.size >= toldMax) this.told.clear();
      this.told.set(fault, at);
      await this.recovery.detect({ workspace, agent, instance, cause, because });
      // What it did before it was isolated must not count again afterwards.
      this.measures.forget(group, instance);
    }
  }

  private async policy(workspace: string, agent: string, at: number): Promise<RecoveryPolicy> {
    const key = `${workspace} ${agent}`;
    const known = this.policies.get(key);
    if (known && at - known.at < policyKeepMs) return known.policy;
    const policy = await this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.agents.find(tx, agent);
      const version = row && (await this.agents.version(tx, row));
      return policyOf(version?.manifest.spec.recovery);
    });
    if (this.policies.size >= policiesMax) this.policies.clear();
    this.policies.set(key, { policy, at });
    return policy;
  }
}

/** Whom an instance is compared with: others of its agent; while a version is rolled out, others of its version, since the rollout compares versions. */
function groupOf(workspace: string, { agent, version }: InstanceMeasure): string {
  return `${workspace} ${agent}${version === undefined ? '' : `@${version}`}`;
}

function isOf(row: IsolationRow, workspace: string, { agent, instance }: InstanceMeasure): boolean {
  return row.workspace === workspace && row.agent === agent && row.instance === instance;
}

/** Whether a policy has to be looked at: most of the time nothing fails and nothing is slow, neither of all that was done nor of what was done last. */
function mayStandOut(outcomes: ReadonlyMap<string, Outcomes>): boolean {
  const all = [...outcomes.values()];
  const least = Math.min(...all.map(meanMs));
  return all.some((each) => each.failed > 0 || Math.max(meanMs(each), meanMs(each.last.at(-1) ?? each)) > 2 * least);
}

function meanMs({ succeeded, failed, totalMs }: Omit<Outcomes, 'last'>): number {
  return totalMs / (succeeded + failed);
}
