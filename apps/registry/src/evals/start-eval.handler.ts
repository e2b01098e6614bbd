import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { startEval, type StartEvalReply, StartEvalRequest } from '@signalbox/shared/contracts/registry/start-eval.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { EvidenceStore } from '../evidence/evidence.store.ts';
import type { EvalSuiteManifest } from '../manifests/manifest.ts';
import { evalView, type EvalRow } from './eval-row.ts';
import { EvalRuns } from './eval-runs.ts';
import { EvalSettling, isPassing } from './eval-settling.ts';
import { attemptsMax, unknownSuite } from './eval-suite.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';
import type { PinnedGrader } from './eval-workflow.ts';
import { EvalStore } from './eval.store.ts';

/** Evals of a workspace that run at once: each is looked after here. */
const runningMax = 20;

@Controller()
export class StartEvalHandler {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly suites: EvalSuiteStore,
    private readonly evals: EvalStore,
    private readonly evidence: EvidenceStore,
    private readonly runs: EvalRuns,
    private readonly settling: EvalSettling,
    private readonly audit: Audit,
  ) {}

  @Handles(startEval)
  async handle(@Payload() request: StartEvalRequest, @FromCaller() caller: Caller): Promise<StartEvalReply> {
    const { workspace } = caller;
    // What cannot be is said before a right to act is made for it.
    await this.db.inWorkspace(workspace, (tx) => this.plan(tx, request, caller));
    const { grant } = await this.bus.request(createGrant, { purpose: `eval ${request.suite} of ${request.agent}` }, caller);
    const { row, manifest } = await this.db.inWorkspace(workspace, async (tx) => {
      const { suite, planned } = await this.plan(tx, request, caller);
      if (!(await this.suites.lock(tx, suite))) throw unknownSuite(request.suite);
      const inserted = await this.evals.insert(tx, { ...planned, bearer: grant });
      await this.audit.append(tx, caller, {
        action: 'eval.start',
        target: `agent ${planned.agent_name}`,
        detail: { version: planned.agent_version, suite: request.suite, eval: fromUuid('eval', planned.id) },
      });
      return { row: inserted, manifest: suite.manifest };
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

  private async begin(row: EvalRow, manifest: EvalSuiteManifest, caller: Caller): Promise<EvalRow> {
    const run = await this.runs.start(row, manifest, caller);
    return (await this.db.inWorkspace(row.workspace, (tx) => this.evals.setRun(tx, row.id, run))) ?? row;
  }

  private async plan(
    tx: EntityManager,
    { suite: name, agent: agentName, version, repeats: asked, against = 'production' }: StartEvalRequest,
    { workspace, principal, name: byName }: Caller,
  ): Promise<{ suite: NonNullable<Awaited<ReturnType<EvalSuiteStore['find']>>>; planned: Parameters<EvalStore['insert']>[1] }> {
    const suite = await this.suites.find(tx, name);
    if (suite === null) throw unknownSuite(name);
    const { cases, graders, confidence = 0.95, repeats = 1 } = suite.manifest.spec;
    const agent = await this.agents.atVersion(tx, agentName, version);
    await this.requireSameKind(tx, agentName, agent);
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
      ...{ cases: cases.length, repeats: times, confidence, against, graders: pinned, bearer: null },
      ...{ by_principal: principal, by_name: byName },
    };
    return { suite, planned };
  }

  /** Tasks of a worker wait for it, others are called: which of both an agent's are, its current version says. */
  private async requireSameKind(
    tx: EntityManager,
    name: string,
    { id, version, current }: { id: string; version: number; current: number },
  ): Promise<void> {
    const kindOf = async (wanted: number): Promise<string> => (await this.agents.version(tx, { id, version: wanted }))!.manifest.spec.kind;
    const [kind, now] = [await kindOf(version), await kindOf(current)];
    if ((kind === 'worker') === (now === 'worker')) return;
    throw new Fault(
      'conflict',
      `version ${version} of ${name} is of kind ${kind}, and the current one of kind ${now}: it cannot be called`,
      `Apply version ${version} again, or as an agent of another name.`,
    );
  }
}
