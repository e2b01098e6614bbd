import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { StartEvalReply, StartEvalRequest } from '@signalbox/shared/contracts/registry/start-eval.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { EvidenceStore } from '../evidence/evidence.store.ts';
import type { AgentSpec, EvalCase } from '../manifests/manifest.ts';
import { StageStore } from '../stages/stage.store.ts';
import { evalView, suiteOf, type EvalRow, type SuiteWithCases } from './eval-row.ts';
import { EvalRuns } from './eval-runs.ts';
import { EvalSettling, isPassing, recordedLeast } from './eval-settling.ts';
import { attemptsMax, unknownSuite } from './eval-suite.ts';
import { EvalSuiteStore, type StoredSuite } from './eval-suite.store.ts';
import type { PinnedGrader } from './eval-workflow.ts';
import { EvalStore } from './eval.store.ts';

/** Evals of a workspace that run at once: each is looked after here. */
const runningMax = 20;

/** An eval that can be started. */
interface Plan {
  suite: StoredSuite;
  planned: Parameters<EvalStore['insert']>[1];
  /** Since when the version at the stage is there, epoch milliseconds; 0: none is. */
  from: number;
}

/** Starts evals: for who asks, and where a rollout begins. */
@Injectable()
export class EvalStart {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly suites: EvalSuiteStore,
    private readonly evals: EvalStore,
    private readonly evidence: EvidenceStore,
    private readonly stages: StageStore,
    private readonly runs: EvalRuns,
    private readonly settling: EvalSettling,
    private readonly audit: Audit,
  ) {}

  async start(request: StartEvalRequest, caller: Caller): Promise<StartEvalReply> {
    const { workspace } = caller;
    // What cannot be is said before a right to act is made for it.
    const first = await this.db.inWorkspace(workspace, (tx) => this.plan(tx, request, caller));
    const recorded = first.suite.manifest.spec.recorded === undefined ? null : await this.recordedFor(first, caller);
    const { grant } = await this.bus.request(createGrant, { purpose: `eval ${request.suite} of ${request.agent}` }, caller);
    const { row, manifest } = await this.db.inWorkspace(workspace, async (tx) => {
      const { suite, planned } = await this.plan(tx, request, caller);
      if (!(await this.suites.lock(tx, suite))) throw unknownSuite(request.suite);
      const inserted = await this.evals.insert(tx, { ...planned, ...(recorded && { recorded, cases: recorded.length }), bearer: grant });
      await this.audit.append(tx, caller, {
        action: 'eval.start',
        target: `agent ${planned.agent_name}`,
        detail: { version: planned.agent_version, suite: request.suite, eval: fromUuid('eval', planned.id) },
      });
      return { row: inserted, manifest: suiteOf(inserted, suite.manifest) };
    });
    try {
      return evalView(await this.begin(row, manifest, caller));
    } catch (thrown) {
      // Written down, it is begun as soon as it can be.
      if (isPassing(thrown)) return evalView(row);
      await this.settling.fail(row, Fault.from(thrown).detail);
      throw thrown;
    }
  }

  /** Recorded calls or runs since the version at the stage is there; `conflict` where there are too few, or asking again could do harm. */
  private async recordedFor({ suite, planned, from }: Plan, caller: Caller): Promise<EvalCase[]> {
    const { agent_name: agent } = planned;
    const cases = await this.runs.recorded(agent, suite.manifest.spec, from, caller);
    if (cases.length >= recordedLeast) return cases;
    throw new Fault(
      'conflict',
      suite.manifest.spec.recorded?.runs === undefined
        ? `${cases.length} calls of ${agent} are recorded that could be put again, and ${recordedLeast} are needed`
        : `${cases.length} runs with ${agent} are recorded that could be done again, and ${recordedLeast} are needed`,
      'Let it work for a while, or look further back: `recorded.days` of the suite.',
    );
  }

  private async begin(row: EvalRow, manifest: SuiteWithCases, caller: Caller): Promise<EvalRow> {
    const run = await this.runs.start(row, manifest, caller);
    return (await this.db.inWorkspace(row.workspace, (tx) => this.evals.setRun(tx, row.id, run))) ?? row;
  }

  private async plan(
    tx: EntityManager,
    { suite: name, agent: agentName, version, repeats: asked, against = 'production' }: StartEvalRequest,
    { workspace, principal, name: byName }: Caller,
  ): Promise<Plan> {
    const suite = await this.suites.find(tx, name);
    if (suite === null) throw unknownSuite(name);
    const { cases = [], graders, confidence = 0.95, repeats = 1 } = suite.manifest.spec;
    const agent = await this.agents.atVersion(tx, agentName, version);
    const { llm, kind } = await this.requireSameKind(tx, agentName, agent);
    const isHarmless = kind === 'llm' && (llm as { tools?: unknown[] }).tools === undefined;
    if (suite.manifest.spec.recorded && !isHarmless && suite.manifest.spec.recorded.repeatable !== true) {
      const detail = `${agentName} may change something outside when it is asked again`;
      throw new Fault('conflict', detail, 'If it does not, say `recorded.repeatable: true` in the suite.');
    }
    const times = asked ?? repeats;
    if (cases.length * times > attemptsMax) {
      const detail = `that makes ${cases.length * times} calls, and an eval makes at most ${attemptsMax}`;
      throw new Fault('invalid', detail, 'Repeat it less often.', { errors: [{ pointer: '/repeats', detail }] });
    }
    await this.evidence.requireRoom(tx, agentName, agent);
    if ((await this.evals.countRunning(tx)) >= runningMax) {
      throw new Fault(
        'limited',
        `${runningMax} evals run, which is as many as can`,
        'Wait for one of them: signalbox evals --status running.',
      );
    }
    const pinned: PinnedGrader[] = [];
    for (const [index, grader] of graders.entries()) {
      if (grader.type !== 'agent') continue;
      pinned.push({ index, agent: grader.agent, version: (await this.agents.atVersion(tx, grader.agent)).version });
    }
    const planned = {
      ...{ workspace, id: newUuid(), suite: suite.id, suite_name: name, suite_version: suite.version },
      ...{ agent: agent.id, agent_name: agentName, agent_version: agent.version },
      ...{ cases: cases.length, repeats: times, confidence, against, graders: pinned, recorded: null, bearer: null },
      ...{ by_principal: principal, by_name: byName },
    };
    const from = (await this.stages.holders(tx, agent.id)).get(against)?.since.getTime() ?? 0;
    return { suite, planned, from };
  }

  /** Tasks of a worker wait for it, others are called: which of both an agent's are, its current version says. */
  private async requireSameKind(
    tx: EntityManager,
    name: string,
    { id, version, current }: { id: string; version: number; current: number },
  ): Promise<AgentSpec> {
    const specOf = async (wanted: number): Promise<AgentSpec> => (await this.agents.version(tx, { id, version: wanted }))!.manifest.spec;
    const [spec, { kind: now }] = [await specOf(version), await specOf(current)];
    const { kind } = spec;
    if ((kind === 'worker') === (now === 'worker')) return spec;
    throw new Fault(
      'conflict',
      `version ${version} of ${name} is of kind ${kind}, and the current one of kind ${now}: it cannot be called`,
      `Apply version ${version} again, or as an agent of another name.`,
    );
  }
}
