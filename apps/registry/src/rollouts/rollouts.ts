import { Injectable } from '@nestjs/common';
import type { AgentRoute } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import type { RolloutCheck } from '@signalbox/shared/contracts/registry/rollout.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { AgentHealth } from '../agents/agent-health.ts';
import type { AgentRow } from '../agents/agent-row.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { EvidenceStore } from '../evidence/evidence.store.ts';
import { InstanceStore } from '../instances/instance.store.ts';
import type { AgentManifest, Grader } from '../manifests/manifest.ts';
import { itself, Recovery } from '../recovery/recovery.ts';
import { judge } from './judge.ts';
import { MirrorEvidence } from './mirror-evidence.ts';
import type { HeardMirrors } from './mirror-measures.ts';
import { scoresOf } from './mirror-pairs.ts';
import { noMirrors, resultOf, withJudgement, withPairs, type MirrorState } from './mirror-totals.ts';
import { MirrorStore } from './mirror.store.ts';
import { planOf } from './rollout-plan.ts';
import { mirrorOf, unknownRollout, type RolloutRow } from './rollout-row.ts';
import { RolloutStore } from './rollout.store.ts';
import { figuresOf, noTotals, sumOf, type Totals } from './totals.ts';

type Actor = Pick<Caller, 'workspace' | 'principal' | 'name'>;

/** What was heard of both versions since the last look. */
export interface Heard {
  stable: Totals | undefined;
  candidate: Totals | undefined;
  mirrors: HeardMirrors | undefined;
}

/** A rollout, with the content of the version that it is of. */
export interface StandingRollout {
  row: RolloutRow;
  hash: string;
  manifest: AgentManifest;
}

/** Begins rollouts, has them go on, and ends them. What changes where calls go is told as a change of routing, right after its commit. The agent is locked in all of it. */
@Injectable()
export class Rollouts {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly store: RolloutStore,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly instances: InstanceStore,
    private readonly evidence: EvidenceStore,
    private readonly mirrorEvidence: MirrorEvidence,
    private readonly pairs: MirrorStore,
    private readonly recovery: Recovery,
    private readonly audit: Audit,
  ) {}

  /** Begins to roll out a version of an agent that is there and locked. */
  async begin(
    tx: EntityManager,
    by: Actor,
    agent: { id: string; version: number },
    version: number,
    manifest: AgentManifest,
  ): Promise<RolloutRow> {
    const { name } = manifest.metadata;
    const plan = planOf(manifest.spec);
    const isReady = await this.isReady(tx, manifest, version);
    const row = await this.store.insert(tx, {
      ...{ workspace: by.workspace, agent: agent.id, agentName: name, version, stable: agent.version, plan, isReady },
      by: { principal: by.principal, name: by.name },
    });
    await this.audited(tx, by, row, 'rollout.start');
    await this.health.tell(tx, name, 'routing');
    return row;
  }

  /** The newest rollout of an agent, and what it rolls out; null: it has none. */
  async standingOf(tx: EntityManager, { id }: { id: string }): Promise<StandingRollout | null> {
    const row = await this.store.newestOf(tx, id);
    if (row === null) return null;
    const version = await this.agents.version(tx, { id, version: row.version });
    return version && { row, hash: version.hash, manifest: version.manifest };
  }

  /** Ends the rollout of an agent that is under way, since something else takes its place. */
  async supersede(tx: EntityManager, by: Actor, row: RolloutRow, because: string): Promise<void> {
    await this.store.write(tx, row.id, { status: 'superseded', reason: because });
    await this.store.record(tx, row, 'superseded', by.principal, because);
    await this.health.tell(tx, row.agent_name, 'routing');
  }

  /** Does what a person wants with a rollout that is under way; `conflict` where it has ended. */
  act(
    caller: Caller,
    { id, reason }: { id: string; reason?: string },
    what: 'pause' | 'resume' | 'promote' | 'abort',
  ): Promise<RolloutRow> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const found = await this.store.find(tx, toUuid(id, 'rollout'));
      if (found === null) throw unknownRollout(id);
      await this.agents.lock(tx, found.agent_name);
      const row = (await this.store.find(tx, found.id))!;
      if (row.ended_at !== null) {
        const next = `Look at it: signalbox rollouts show ${id}. Roll the version out again: signalbox rollouts start ${row.agent_name}@${row.version}.`;
        throw new Fault('conflict', `the rollout ${id} has ended: it is ${row.status}`, next);
      }
      if (row.status === (what === 'pause' ? 'paused' : what === 'resume' ? 'progressing' : '')) return row;
      const because = reason ?? `by ${caller.name}`;
      await this.audited(tx, caller, row, `rollout.${what}`, because);
      if (what === 'promote') return this.promote(tx, row, caller.principal, because);
      if (what === 'abort') return this.rollBack(tx, row, caller.principal, because);
      if (what === 'pause') return this.pause(tx, row, caller.principal, because);
      // Measured anew where it was held for its measures: the next look would hold it for the same again.
      const isFailed = row.plan.onFailure === 'pause' && row.checks.some(({ standing }) => standing === 'failed');
      const anew = isFailed && { totals: noTotals(), passed: false, checks: [] };
      await this.store.write(tx, row.id, { status: 'progressing', reason: because, ...anew });
      return this.store.record(tx, row, 'resumed', caller.principal, because, row);
    });
  }

  /** Adds what was heard, and has a rollout go on as its measures say. Gives what was written; undefined where it has ended. */
  look(workspace: string, id: string, heard: Heard): Promise<RolloutRow | undefined> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const found = await this.store.find(tx, id);
      if (found === null) return undefined;
      await this.agents.lock(tx, found.agent_name);
      const row = await this.store.find(tx, id);
      if (row === null || row.ended_at !== null) return undefined;
      const manifest = await this.manifestOf(tx, row);
      if (manifest === null) {
        await this.supersede(tx, { workspace, principal: itself, name: itself }, row, 'the agent is no more');
        return undefined;
      }
      const isReady = await this.isReady(tx, manifest, row.version);
      const totals = heard.candidate === undefined ? row.totals : sumOf(row.totals, heard.candidate);
      const stableTotals = heard.stable === undefined ? row.stable_totals : sumOf(row.stable_totals, heard.stable);
      const mirror = await this.mirrored(tx, row, heard.mirrors);
      const needsEvidence = row.plan.measures.some(({ metric }) => !/^(?:live|mirror)\./.test(metric));
      const verdict = judge({
        ...{ agent: row.agent_name, plan: row.plan, step: row.step, heldMs: now() - row.step_at.getTime(), isReady, isPassed: row.passed },
        stable: figuresOf(row.stable, stableTotals),
        candidate: figuresOf(row.version, totals),
        mirror: mirror?.result ?? null,
        stableEvidence: needsEvidence ? await this.evidence.newest(tx, row.agent, row.stable) : [],
        evidence: needsEvidence ? await this.evidence.newest(tx, row.agent, row.version) : [],
        now: now(),
      });
      const { move, because, checks } = verdict;
      const reason = row.status === 'paused' ? row.reason : because;
      const written = await this.store.write(tx, id, {
        ...{ totals, stableTotals, checks, is_ready: isReady, reason },
        ...(heard.mirrors !== undefined && mirror !== null && { mirror }),
      });
      const isSpent = mirror?.result.isSpent === true && row.mirror?.result.isSpent !== true;
      if (isReady !== row.is_ready || isSpent) await this.health.tell(tx, row.agent_name, 'routing');
      // A person holds it: what is measured is shown, and nothing follows.
      if (row.status === 'paused' || move === 'wait') return written;
      if (move === 'step') await this.step(tx, written, because);
      else if (move === 'ask') await this.ask(tx, written, because);
      else if (move === 'promote') await this.promote(tx, written, itself, because);
      else if (row.plan.onFailure === 'pause') await this.pauseFailed(tx, written, because);
      else await this.fail(tx, written, because, checks);
      return written;
    });
  }

  /** Where calls go that name no version; undefined: anywhere. */
  async routeOf(tx: EntityManager, agent: Pick<AgentRow, 'id' | 'version'>): Promise<AgentRoute | undefined> {
    const row = await this.store.newestOf(tx, agent.id);
    if (row === null) return undefined;
    const { version, stable, plan, status } = row;
    if (row.ended_at !== null) {
      // Workers of the other version may still be there.
      const kept = status === 'promoted' ? version : stable;
      return status !== 'superseded' && kept === agent.version ? { version: kept } : undefined;
    }
    const { share, labels } = plan.steps[row.step]!;
    const mirror = mirrorOf(row);
    const candidate = {
      ...{ rollout: fromUuid('rollout', row.id), version, share, ...(labels && { labels }), stickBy: plan.stickBy },
      ...(mirror && { mirror }),
    };
    return { version: stable, ...(row.is_ready && { candidate }) };
  }

  /** What mirrored calls come to with those that were heard of; null where none are mirrored. */
  private async mirrored(tx: EntityManager, row: RolloutRow, heard: HeardMirrors | undefined): Promise<MirrorState | null> {
    const { plan, mirror: before, stable, version } = row;
    if (plan.mirror === undefined || heard === undefined) return before;
    const graders = (plan.compare ?? []) as Grader[];
    const judged = heard.pairs.map((pair) => ({ pair, scores: scoresOf(graders, pair) }));
    await this.pairs.add(tx, row, heard.pairs);
    let totals = withPairs(before?.totals ?? noMirrors(), heard.skipped, judged);
    for (const { scores, costUsd } of heard.judged) totals = withJudgement(totals, scores, costUsd);
    return { totals, result: resultOf(totals, { stable, version, budgetUsd: plan.mirror.budgetUsd }, row.id) };
  }

  private async step(tx: EntityManager, row: RolloutRow, because: string): Promise<void> {
    const next = row.step + 1;
    const { share } = row.plan.steps[next]!;
    await this.mirrorEvidence.keep(tx, row);
    await this.store.write(tx, row.id, { step: next, totals: noTotals(), passed: false, checks: [], reason: 'the step has just begun' });
    const text = `${because}: ${Math.round(share * 1_000) / 10} % of the calls from here on`;
    // With the measures that decided: those of the next step begin.
    await this.store.record(tx, row, 'step', itself, text, row);
    await this.health.tell(tx, row.agent_name, 'routing');
  }

  private async pause(tx: EntityManager, row: RolloutRow, by: string, because: string): Promise<RolloutRow> {
    await this.mirrorEvidence.keep(tx, row);
    await this.store.write(tx, row.id, { status: 'paused', reason: because });
    return this.store.record(tx, row, 'paused', by, because);
  }

  /** Whoever resumes it from here says that it goes on; one that a person has held is only measured on. */
  private async ask(tx: EntityManager, row: RolloutRow, because: string): Promise<void> {
    await this.store.write(tx, row.id, { passed: true });
    await this.pause(tx, row, itself, because);
  }

  private async pauseFailed(tx: EntityManager, row: RolloutRow, because: string): Promise<void> {
    await this.pause(tx, row, itself, because);
    await this.note(tx, row, `version ${row.version} is held and keeps its share: ${because}`);
  }

  private async fail(tx: EntityManager, row: RolloutRow, because: string, checks: readonly RolloutCheck[]): Promise<void> {
    await this.rollBack(tx, row, itself, because);
    await this.audited(tx, { workspace: row.workspace, principal: itself, name: itself }, row, 'rollout.rollback', because);
    await this.note(tx, row, `version ${row.version} was rolled back to version ${row.stable}: ${because}`);
    log.warn('a version was rolled back', {
      workspace: row.workspace,
      agent: row.agent_name,
      version: row.version,
      failed: checks.filter(({ standing }) => standing === 'failed').map(({ metric }) => metric),
    });
  }

  private async rollBack(tx: EntityManager, row: RolloutRow, by: string, because: string): Promise<RolloutRow> {
    await this.mirrorEvidence.keep(tx, row);
    await this.store.write(tx, row.id, { status: 'rolled-back', reason: because });
    await this.health.tell(tx, row.agent_name, 'routing');
    return this.store.record(tx, row, 'rolled-back', by, because);
  }

  private async promote(tx: EntityManager, row: RolloutRow, by: string, because: string): Promise<RolloutRow> {
    const version = await this.agents.version(tx, { id: row.agent, version: row.version });
    await this.mirrorEvidence.keep(tx, row);
    await this.agents.update(tx, version!.manifest, row.version, version!.hash);
    await this.store.write(tx, row.id, { status: 'promoted', reason: because });
    await this.health.refresh(tx, row.agent_name);
    await this.health.tell(tx, row.agent_name, 'manifest');
    return this.store.record(tx, row, 'promoted', by, because);
  }

  private async manifestOf(tx: EntityManager, { agent, version }: RolloutRow): Promise<AgentManifest | null> {
    return (await this.agents.version(tx, { id: agent, version }))?.manifest ?? null;
  }

  /** What is called can be called at any version; of a worker an instance must say that it runs it. */
  private async isReady(tx: EntityManager, { metadata, spec }: AgentManifest, version: number): Promise<boolean> {
    return spec.kind !== 'worker' || (await this.instances.countRunning(tx, metadata.name, version)) > 0;
  }

  private note(tx: EntityManager, { workspace, agent_name: agent }: RolloutRow, text: string): Promise<unknown> {
    return this.recovery.tell(tx, { workspace, agent, cause: 'rollout', because: text });
  }

  private audited(tx: EntityManager, by: Actor, row: RolloutRow, action: string, reason?: string): Promise<void> {
    const { agent_name: agent, version, stable, id } = row;
    const detail = { rollout: fromUuid('rollout', id), version, stable, ...(reason !== undefined && { reason: reason.slice(0, 1_000) }) };
    return this.audit.append(tx, by, { action, target: `agent ${agent}`, detail });
  }
}
