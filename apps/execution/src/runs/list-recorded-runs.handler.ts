import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listRecordedRuns,
  type ListRecordedRunsReply,
  type ListRecordedRunsRequest,
  type RecordedRun,
} from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { recordedAnswers } from '@signalbox/workflow/core/counterfactual.js';
import { RunFinder } from './run-finder.ts';
import { RunStore } from './run.store.ts';

/** Runs that one page looks through: each is read from its journal. */
const runsMax = 10;
/** Bytes of what a run was given and gave: a page of them fits a message, and an eval holds many. */
const runMax = 12_000;

@Controller()
export class ListRecordedRunsHandler {
  constructor(
    private readonly store: RunStore,
    private readonly finder: RunFinder,
  ) {}

  @Handles(listRecordedRuns)
  async handle(
    @Payload() { agent, skill, startedAfter, cursor }: ListRecordedRunsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListRecordedRunsReply> {
    const ended = { status: ['succeeded' as const], agent, startedAfter, limit: runsMax };
    const { data: runs, nextCursor } = await this.store.list(workspace, { ...ended, ...(cursor !== undefined && { cursor }) });
    const data: RecordedRun[] = [];
    for (const { id, workflow, origin } of runs) {
      // A call alone, and what services made up, is no run of a workflow; what was imported was not done here.
      if (workflow.includes('/') || origin !== undefined) continue;
      data.push(...(await this.recordOf(workspace, id, workflow, agent, skill)));
    }
    return { data, nextCursor };
  }

  /** Nothing of a run that cannot be done again, or was deleted meanwhile. */
  private async recordOf(workspace: string, run: string, workflow: string, agent: string, skill?: string): Promise<RecordedRun[]> {
    try {
      return await this.finder.view(workspace, run, ({ state }) => {
        const one = { run, workflow, input: state.input, output: state.output ?? null };
        const isSmall = Buffer.byteLength(JSON.stringify(one)) <= runMax;
        return isSmall && recordedAnswers(state, agent, skill) !== undefined ? [one] : [];
      });
    } catch (thrown) {
      if (Fault.from(thrown).code === 'not_found') return [];
      throw thrown;
    }
  }
}
