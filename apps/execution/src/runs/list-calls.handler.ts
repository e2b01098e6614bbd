import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listCalls,
  type ListCallsReply,
  type ListCallsRequest,
  type RecordedCall,
} from '@signalbox/shared/contracts/execution/list-calls.js';
import { counterfactualPrefix } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { guarded, inputOf, keyOf, workOf } from '@signalbox/workflow/core/scope.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { RunFinder } from './run-finder.ts';
import { RunStore } from './run.store.ts';

/** Runs that one page looks through: each is read from its journal. */
const runsMax = 10;
/** Of one run: many items of one step say little more than a few. */
const callsMax = 3;
/** Bytes of a call: a page of them fits a message. */
const callMax = 12_000;

@Controller()
export class ListCallsHandler {
  constructor(
    private readonly store: RunStore,
    private readonly finder: RunFinder,
  ) {}

  @Handles(listCalls)
  async handle(
    @Payload() { agent, skill, startedAfter, cursor }: ListCallsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListCallsReply> {
    const ended = { status: ['succeeded' as const, 'failed' as const], agent, startedAfter, limit: runsMax };
    const { data: runs, nextCursor } = await this.store.list(workspace, { ...ended, ...(cursor !== undefined && { cursor }) });
    const data: RecordedCall[] = [];
    for (const { id, workflow } of runs) {
      if (workflow.startsWith('eval/') || workflow.startsWith(counterfactualPrefix)) continue;
      data.push(...(await this.callsOf(workspace, id, agent, skill)));
    }
    return { data, nextCursor };
  }

  /** None of a run that was deleted meanwhile. */
  private async callsOf(workspace: string, run: string, agent: string, skill: string | undefined): Promise<RecordedCall[]> {
    try {
      return await this.finder.view(workspace, run, ({ state }) => callsIn(state, agent, skill).map((call) => ({ run, ...call })));
    } catch (thrown) {
      if (Fault.from(thrown).code === 'not_found') return [];
      throw thrown;
    }
  }
}

/** What was asked of an agent in a run and answered by it there. */
function callsIn(state: RunState, agent: string, skill: string | undefined): Omit<RecordedCall, 'run'>[] {
  const calls: Omit<RecordedCall, 'run'>[] = [];
  for (const [s, step] of state.steps.entries()) {
    for (const [place, { status, output = null, isKept, degraded }] of step.units.entries()) {
      if (calls.length >= callsMax) return calls;
      if (status !== 'succeeded' || isKept || degraded !== undefined) continue;
      const i = step.isFanned ? place : -1;
      const work = workOf(state, s, i);
      if (work.kind !== 'agent' || work.target !== agent || (skill !== undefined && (work.skill ?? skill) !== skill)) continue;
      const input = guarded(() => inputOf(state, s, i));
      if ('error' in input) continue;
      const call = { step: keyOf(state, s, i), input: input.value, output };
      if (Buffer.byteLength(JSON.stringify(call)) <= callMax) calls.push(call);
    }
  }
  return calls;
}
