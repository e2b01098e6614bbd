import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listCalls, type ListCallsRequest } from '@signalbox/shared/contracts/execution/list-calls.js';
import { listOutputs, type ItemOutput, type ListOutputsReply } from '@signalbox/shared/contracts/execution/list-outputs.js';
import { listRecordedRuns, type ListRecordedRunsRequest } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { startDefinition } from '@signalbox/shared/contracts/execution/start-definition.js';
import { endedRunStatuses } from '@signalbox/shared/contracts/execution/run-view.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { dayMs } from '../evidence/evidence-row.ts';
import type { EvalCase, EvalSuiteManifest } from '../manifests/manifest.ts';
import type { EvalRow, SuiteWithCases } from './eval-row.ts';
import { attemptsMax, casesBytesMax, countOf } from './eval-suite.ts';
import { beforeStep, callStep, evalWorkflow, gradeStep } from './eval-workflow.ts';
import type { Answers } from './graded.ts';

const recordedDays = 7;
/** Pages of runs that are looked through. */
const pagesMax = 50;

interface RecordedPage {
  cases: EvalCase[];
  nextCursor: string | null;
}

/** The runs that evals are: started by who started the eval, however often that is tried, and read when they have ended. */
@Injectable()
export class EvalRuns {
  constructor(private readonly bus: Bus) {}

  /** The run of an eval, started unless it is there. */
  async start(row: EvalRow, suite: SuiteWithCases, caller: Caller): Promise<string> {
    const call = { agent: row.agent_name, version: row.agent_version, repeats: row.repeats };
    const { manifest, input } = evalWorkflow(suite, call, row.graders);
    const id = fromUuid('eval', row.id);
    const run = await this.bus.request(
      startDefinition,
      {
        workflow: `eval/${row.suite_name}`,
        manifest: manifest as unknown as Record<string, unknown>,
        input,
        labels: { 'signalbox.dev/eval': id, 'signalbox.dev/eval-agent': `${row.agent_name}@${row.agent_version}` },
        idempotencyKey: id,
      },
      caller,
    );
    return run.id;
  }

  /** The newest recorded calls of an agent, or runs in which it was called, as cases: as many as are wanted and an eval can hold. */
  async recorded(agent: string, { skill, recorded = {} }: EvalSuiteManifest['spec'], from: number, caller: Caller): Promise<EvalCase[]> {
    const { days = recordedDays } = recorded;
    const startedAfter = new Date(Math.max(from, now() - days * dayMs)).toISOString();
    const asked = { agent, startedAfter, ...(skill !== undefined && { skill }) };
    const cases: EvalCase[] = [];
    let bytes = 0;
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax && (page === 0 || cursor !== undefined); page++) {
      const from = { ...asked, ...(cursor !== undefined && { cursor }) };
      const found = recorded.runs === undefined ? await this.calls(from, caller) : await this.runs(from, caller);
      for (const one of found.cases) {
        bytes += Buffer.byteLength(JSON.stringify(one));
        if (bytes > casesBytesMax || cases.length >= countOf(recorded)) return cases;
        cases.push(one);
      }
      cursor = found.nextCursor ?? undefined;
    }
    return cases;
  }

  private async calls(asked: ListCallsRequest, caller: Caller): Promise<RecordedPage> {
    const { data, nextCursor } = await this.bus.request(listCalls, asked, caller);
    const cases = data.map(({ run, step, input, output }) => ({ name: `${run} ${step}`, input: input as Json, expected: output as Json }));
    return { cases, nextCursor };
  }

  private async runs(asked: ListRecordedRunsRequest, caller: Caller): Promise<RecordedPage> {
    const { data, nextCursor } = await this.bus.request(listRecordedRuns, asked, caller);
    const cases = data.map(({ run, workflow, input, output }) => {
      return { name: `${run} ${workflow}`, run, input: input as Json, expected: output as Json };
    });
    return { cases, nextCursor };
  }

  /** How a run stands, without what it gave. */
  look(run: string, caller: Caller): Promise<ListOutputsReply> {
    return this.bus.request(listOutputs, { run, step: callStep, from: attemptsMax }, caller);
  }

  /** All that an ended run gave. */
  async answersOf(row: EvalRow & { run: string }, caller: Caller): Promise<Answers & { before: Answers['graded'] }> {
    const graded = new Map<number, readonly ItemOutput[]>();
    const before = new Map<number, readonly ItemOutput[]>();
    for (const { index } of row.graders) {
      graded.set(index, await this.all(row.run, gradeStep(index), caller));
      if (row.recorded !== null) before.set(index, await this.all(row.run, beforeStep(index), caller));
    }
    return { calls: await this.all(row.run, callStep, caller), graded, before };
  }

  private async all(run: string, step: string, caller: Caller): Promise<ItemOutput[]> {
    const items: ItemOutput[] = [];
    for (let from: number | null = 0; from !== null;) {
      const page: ListOutputsReply = await this.bus.request(listOutputs, { run, step, from }, caller);
      items.push(...page.data);
      from = page.next;
    }
    return items;
  }

  /** Gives the right to act for who started an eval back; without it nothing can be done any more. */
  async letGo(grant: string | null): Promise<void> {
    if (grant === null) return;
    await this.bus
      .request(revokeGrant, { grant }, 'service')
      .catch((err: unknown) => log.warn('the grant of an eval that has ended was not given back', { err }));
  }
}

export function hasEnded({ status }: ListOutputsReply): boolean {
  return endedRunStatuses.includes(status);
}
