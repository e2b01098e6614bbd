import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import type { MirrorPair } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { nameOfGrader } from '../evals/eval-suite.ts';
import { gradeOf } from '../evals/grade.ts';
import type { AgentGrader, AgentManifest, Grader } from '../manifests/manifest.ts';
import { MirrorMeasures } from './mirror-measures.ts';
import type { RolloutRow } from './rollout-row.ts';
import { RolloutStore } from './rollout.store.ts';

/** Pairs of one rollout that are judged at once, and of all on this replica: what comes meanwhile is not. */
const pairsMax = 2;
const allMax = 32;
const waitMs = 60_000;
/** Grants given back in one round. */
const endedMax = 100;

/** Has agents grade both answers of mirrored calls, as who began the rollout: as many as they get done. */
@Injectable()
export class MirrorJudges {
  /** By rollout. */
  private readonly busy = new Map<string, number>();
  private all = 0;

  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly agents: AgentStore,
    private readonly store: RolloutStore,
    private readonly measures: MirrorMeasures,
  ) {}

  /** `forbidden` where the caller may call no agents, `not_found` where one that is to grade is not there. */
  async check(tx: EntityManager, { spec: { rollout } }: AgentManifest, caller: Caller): Promise<void> {
    const graders = judgesOf(rollout?.compare ?? []);
    if (graders.length > 0) requirePermission(caller, 'agents:invoke');
    for (const { agent } of graders) await this.agents.atVersion(tx, agent);
  }

  /** Keeps the right to act for who began it, once the rollout is written. */
  begin(row: RolloutRow, caller: Caller): void {
    if (judgesOf(row.plan.compare).length === 0) return;
    inCall({ traceparent: childTraceparent() }, () => {
      void this.bus
        .request(createGrant, { purpose: `rollout ${fromUuid('rollout', row.id)}` }, caller)
        .then(({ grant }) => this.db.inWorkspace(row.workspace, (tx) => this.store.setBearer(tx, row.id, grant)))
        .catch((err: unknown) => log.warn('agents that grade mirrored calls cannot be asked', { rollout: row.id, err }));
    });
  }

  /** Has pairs judged, apart from what waits for it; what was said is heard at a later look. */
  judge({ id, plan, bearer }: RolloutRow, pairs: readonly MirrorPair[]): void {
    const graders = judgesOf(plan.compare);
    if (graders.length === 0 || bearer === null) return;
    for (const pair of pairs) {
      const busy = this.busy.get(id) ?? 0;
      if (busy >= pairsMax || this.all >= allMax) return;
      if (pair.stable.output === undefined || (pair.candidate.output === undefined && pair.candidate.error === undefined)) continue;
      this.busy.set(id, busy + 1);
      this.all++;
      inCall({ traceparent: childTraceparent() }, () => {
        void this.judgePair(id, bearer, graders, pair)
          .catch((err: unknown) => log.debug('a mirrored call was not graded', { rollout: id, err }))
          .finally(() => this.done(id));
      });
    }
  }

  /** Gives back the rights of rollouts that have ended. */
  async letGo(): Promise<void> {
    for (const { workspace, id, bearer } of await this.system.run((tx) => this.store.endedWithBearer(tx, endedMax))) {
      await inCall({ traceparent: childTraceparent() }, () => this.bus.request(revokeGrant, { grant: bearer }, 'service'));
      await this.db.inWorkspace(workspace, (tx) => this.store.setBearer(tx, id, null));
    }
  }

  private async judgePair(id: string, bearer: string, graders: readonly AgentGrader[], pair: MirrorPair): Promise<void> {
    const caller = await this.bus.as(bearer);
    for (const grader of graders) {
      const name = nameOfGrader(grader);
      const before = await this.ask(grader, `${pair.task} ${name} stable`, pair.input, pair.stable.output, caller);
      // One that failed needs nobody to grade it.
      const failed = pair.candidate.error !== undefined;
      const after = failed
        ? { score: 0, costUsd: 0 }
        : await this.ask(grader, `${pair.task} ${name} new`, pair.input, pair.candidate.output, caller);
      this.measures.judged(fromUuid('rollout', id), {
        scores: { [name]: [before.score, after.score] },
        costUsd: before.costUsd + after.costUsd,
      });
    }
  }

  /** As in evals: whoever grades is not told whose answer it is. */
  private async ask(
    { agent, skill, rubric }: AgentGrader,
    key: string,
    input: unknown,
    output: unknown,
    caller: Caller,
  ): Promise<{ score: number; costUsd: number }> {
    const run = await this.bus.request(
      invokeAgent,
      {
        agent,
        ...(skill !== undefined && { skill }),
        input: { input: input ?? null, expected: null, output, rubric: rubric ?? null },
        idempotencyKey: `mirror ${key}`,
        ...{ waitMs, timeoutMs: waitMs, priority: 5 },
      },
      caller,
      { timeoutMs: waitMs + 5_000 },
    );
    const said = run.status === 'succeeded' ? gradeOf(run.output as Json) : (run.error?.detail ?? `it is ${run.status}`);
    if (typeof said === 'string') throw new Fault('unavailable', `${agent} has not graded: ${said}`, 'Look at its run.');
    return { score: said.score, costUsd: run.usage?.costUsd ?? 0 };
  }

  private done(id: string): void {
    this.all--;
    const busy = (this.busy.get(id) ?? 1) - 1;
    if (busy > 0) this.busy.set(id, busy);
    else this.busy.delete(id);
  }
}

function judgesOf(graders: readonly object[] = []): AgentGrader[] {
  return (graders as readonly Grader[]).filter((grader) => grader.type === 'agent');
}
