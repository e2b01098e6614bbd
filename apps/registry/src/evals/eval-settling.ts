import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EvalResult } from '@signalbox/shared/contracts/registry/eval.js';
import { evalEnded, evidenceAdded } from '@signalbox/shared/contracts/registry/events.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import canonicalize from 'canonicalize';
import type { EntityManager } from 'typeorm';
import { AgentStore } from '../agents/agent.store.ts';
import { EvidenceStore } from '../evidence/evidence.store.ts';
import { StageStore } from '../stages/stage.store.ts';
import { suiteOf, type EvalRow } from './eval-row.ts';
import { EvalRuns, hasEnded } from './eval-runs.ts';
import { EvalSuiteStore } from './eval-suite.store.ts';
import { nameOfGrader } from './eval-suite.ts';
import { EvalStore } from './eval.store.ts';
import { gradeAll, gradeBefore, type Graded } from './graded.ts';
import { comparisonOf, divergedShare, findingsOf, isGraded, metricsOf, scoresByCase, summaryOf } from './summary.ts';

/** With fewer pairs no difference is unlikely enough to be told from chance. */
export const recordedLeast = 5;
/** Where more of the runs diverged, the others are no sample of what runs: the difference may be any. */
const divergedMax = 0.5;

/** What asking again can cure. */
const curable = new Set(['unavailable', 'timeout', 'limited']);

export function isPassing(thrown: unknown): boolean {
  return curable.has(Fault.from(thrown).code);
}

/** Brings evals to their end: begins those whose run could not be started, and makes evidence of those whose run has ended. */
@Injectable()
export class EvalSettling {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly suites: EvalSuiteStore,
    private readonly evals: EvalStore,
    private readonly evidence: EvidenceStore,
    private readonly stages: StageStore,
    private readonly runs: EvalRuns,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  /** Does what can be done for an eval now. What passes by itself is thrown: it is tried again. */
  async look(row: EvalRow): Promise<void> {
    try {
      await this.advance(row, await this.bus.as(row.bearer ?? ''));
    } catch (thrown) {
      if (isPassing(thrown) || Fault.from(thrown).code === 'internal') throw thrown;
      await this.fail(row, Fault.from(thrown).detail);
    }
  }

  private async advance(row: EvalRow, caller: Caller): Promise<void> {
    const suite = suiteOf(row, await this.db.inWorkspace(row.workspace, (tx) => this.suites.manifestOf(tx, row.suite, row.suite_version)));
    if (row.run === null) {
      const run = await this.runs.start(row, suite, caller);
      await this.db.inWorkspace(row.workspace, (tx) => this.evals.setRun(tx, row.id, run));
      return;
    }
    const seen = await this.runs.look(row.run, caller);
    if (!hasEnded(seen)) return;
    if (seen.status === 'cancelled') return this.end(row, { status: 'cancelled', reason: 'its run was cancelled' });
    if (seen.status === 'failed') return this.fail(row, `its run failed: ${seen.error?.detail ?? 'nobody said why'}`);
    const answers = await this.runs.answersOf({ ...row, run: row.run }, caller);
    const graded = await gradeAll(suite, row.repeats, answers);
    if (typeof graded === 'string') return this.fail(row, graded);
    const before = row.recorded === null ? null : await gradeBefore(suite, answers.before);
    if (typeof before === 'string') return this.fail(row, `what was recorded: ${before}`);
    const whole = new Set(graded.filter(isGraded).map(({ caseIndex }) => caseIndex)).size;
    const [first] = graded.filter((one) => !isGraded(one));
    if (first !== undefined && whole < recordedLeast)
      return this.fail(
        row,
        `only ${whole} of ${row.cases} recorded runs went as recorded, and ${recordedLeast} are needed; ${first.case}: ${first.error}`,
      );
    const id = fromUuid('eval', row.id);
    const result = summaryOf(graded, answers.calls, row.confidence, id);
    for (const { index, version } of row.graders) {
      const name = nameOfGrader(suite.spec.graders[index]!);
      result.graders = result.graders.map((one) => (one.grader === name ? { ...one, version } : one));
    }
    await this.succeed(row, { graded, before, result });
  }

  /** It cannot be told how good the version is: that is no evidence of anything. */
  fail(row: EvalRow, reason: string): Promise<void> {
    return this.end(row, { status: 'failed', reason: reason.slice(0, 500) });
  }

  private async end(row: EvalRow, how: { status: EvalRow['status']; reason: string }): Promise<void> {
    await this.db.inWorkspace(row.workspace, async (tx) => {
      if ((await this.evals.lockRunning(tx, row.id)) === null) return;
      await this.tell(tx, await this.evals.end(tx, row.id, how));
    });
    await this.runs.letGo(row.bearer);
  }

  private async succeed(
    row: EvalRow,
    { graded, before, result }: { graded: Graded[]; before: Graded[] | null; result: EvalResult },
  ): Promise<void> {
    await this.db.inWorkspace(row.workspace, async (tx) => {
      if ((await this.evals.lockRunning(tx, row.id)) === null) return;
      const agent = await this.agents.atVersion(tx, row.agent_name, row.agent_version);
      if (agent.id !== row.agent) throw new Fault('not_found', `the agent ${row.agent_name} was deleted meanwhile`, 'Start another eval.');
      await this.evidence.requireRoom(tx, row.agent_name, agent).catch((thrown: unknown) => {
        const { code, detail, next } = Fault.from(thrown);
        // Evidence is only ever added: asking again makes no room.
        throw code === 'limited' ? new Fault('conflict', detail, next) : thrown;
      });
      const compared = {
        ...result,
        ...(before === null ? await this.compare(tx, row, graded) : this.against(row, graded, before, result)),
      };
      const evidence = await this.prove(tx, row, graded, compared);
      await this.evals.addAttempts(tx, row.workspace, row.id, graded);
      await this.tell(tx, await this.evals.end(tx, row.id, { status: 'succeeded', result: compared, evidence }));
    });
    await this.runs.letGo(row.bearer);
  }

  /** Against what was answered then to the very same, or what those runs gave. */
  private against(
    row: EvalRow,
    graded: readonly Graded[],
    before: readonly Graded[],
    result: EvalResult,
  ): Pick<EvalResult, 'comparison' | 'note'> {
    const { attempts, diverged = 0 } = result;
    const ours = scoresByCase(graded.filter(isGraded));
    const comparison = comparisonOf(ours, scoresByCase(before), {}, row.confidence, fromUuid('eval', row.id));
    if (divergedShare(result) <= divergedMax) return { comparison };
    const most = `${diverged} of ${attempts + diverged} runs asked what was not recorded`;
    return {
      comparison: { ...comparison, change: { value: comparison.change.value, low: -1, high: 1 }, pValue: 1, verdict: 'same' },
      note: `${most}: the others say too little, the difference may be any. onDivergence: reuse answers by the step alone`,
    };
  }

  /** Against the version at the stage, by its newest eval with the very same cases; or why there is nothing to compare with. */
  private async compare(tx: EntityManager, row: EvalRow, graded: readonly Graded[]): Promise<Pick<EvalResult, 'comparison' | 'note'>> {
    const { agent_name: agent, suite_name: suite, against } = row;
    const holder = (await this.stages.holders(tx, row.agent)).get(against);
    if (holder === undefined) return { note: `no version of ${agent} is at ${against} to compare with` };
    if (holder.version === row.agent_version) return { note: `version ${holder.version} is at ${against} itself` };
    const other = await this.evals.newestOf(tx, row, holder.version);
    if (other === null) {
      const next = `signalbox evals run ${suite} --agent ${agent}@${holder.version}`;
      return { note: `version ${holder.version}, which is at ${against}, has no eval with these cases: ${next}` };
    }
    const about = { eval: fromUuid('eval', other.id), version: holder.version, stage: against };
    const theirs = scoresByCase(await this.evals.scores(tx, other.id));
    return { comparison: comparisonOf(scoresByCase(graded), theirs, about, row.confidence, fromUuid('eval', row.id)) };
  }

  /** The result as evidence for the version, by who started the eval. */
  private async prove(tx: EntityManager, row: EvalRow, graded: readonly Graded[], result: EvalResult): Promise<string> {
    const { workspace, agent_name: agent, agent_version: version, by_principal: principal, by_name: name } = row;
    const text = canonicalize(result)!;
    const kind = row.recorded === null ? 'evals' : 'counterfactual';
    const read = {
      source: `${kind}/${row.suite_name}`,
      hash: `sha256:${createHash('sha256').update(text).digest('hex')}`,
      bytes: Buffer.byteLength(text),
      metrics: metricsOf(`${kind}.${row.suite_name}`, result),
      findings: findingsOf(graded),
    };
    const by = { workspace, principal, name };
    const { id } = await this.evidence.insert(tx, by, { agent: row.agent, version, format: 'eval' }, read);
    const evidence = fromUuid('evidence', id);
    await this.outbox.append(tx, evidenceAdded, {
      workspace,
      entity: id,
      version: 1,
      payload: { id: evidence, agent, agentVersion: version, source: read.source },
    });
    await this.audit.append(tx, by, {
      action: 'evidence.add',
      target: `agent ${agent}`,
      detail: { version, evidence, format: 'eval', source: read.source, hash: read.hash, eval: fromUuid('eval', row.id) },
    });
    return id;
  }

  private tell(tx: EntityManager, row: EvalRow): Promise<void> {
    const { workspace, suite_name: suite, agent_name: agent, agent_version: agentVersion, status } = row;
    return this.outbox.append(tx, evalEnded, {
      workspace,
      entity: row.id,
      version: 1,
      payload: { id: fromUuid('eval', row.id), suite, agent, agentVersion, status },
    });
  }
}
