import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listOutputs,
  type ItemOutput,
  type ListOutputsReply,
  type ListOutputsRequest,
} from '@signalbox/shared/contracts/execution/list-outputs.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { UnitState } from '@signalbox/workflow/core/state.js';
import { failureView } from '@signalbox/workflow/views/failure-view.js';
import { RunFinder } from './run-finder.ts';
import { RunStore } from './run.store.ts';
import { statusOf } from './run-view.ts';

/** Outputs of one page: a message holds them with what is around them. */
const pageBytes = 300_000;
const pageMax = 1_000;

@Controller()
export class ListOutputsHandler {
  constructor(
    private readonly finder: RunFinder,
    private readonly store: RunStore,
  ) {}

  @Handles(listOutputs)
  async handle(@Payload() { run, step, from = 0 }: ListOutputsRequest, @FromCaller() { workspace }: Caller): Promise<ListOutputsReply> {
    const children = new Map<string, ItemOutput>();
    const reply = await this.finder.view(workspace, run, ({ state }) => {
      const id = state.graph.steps.findIndex(({ key }) => key === step);
      const units = state.steps[id]?.units;
      if (units === undefined) throw new Fault('not_found', `the run ${run} has no step ${step}`, 'Name one of its steps.');
      children.clear();
      const data: ItemOutput[] = [];
      let bytes = 0;
      let index = from;
      for (; index < units.length && data.length < pageMax && bytes < pageBytes; index++) {
        const item = itemOutput(units[index] as UnitState, index);
        bytes += Buffer.byteLength(JSON.stringify(item));
        // What does not fit any more begins the next page.
        if (bytes > pageBytes && data.length > 0) break;
        data.push(item);
        const { child } = units[index] as UnitState;
        if (child !== undefined) children.set(child, item);
      }
      return {
        status: statusOf(state),
        ...(state.error && { error: failureView(state.error) }),
        data,
        next: index < units.length ? index : null,
      };
    });
    for (const { run: child, reason, usage } of await this.store.endsOf(workspace, [...children.keys()])) {
      const item = children.get(child) as ItemOutput;
      item.usage = usage;
      if (reason === 'diverged') item.isDiverged = true;
    }
    return reply;
  }
}

function itemOutput({ status, output = null, error, usage, startedAt, endedAt, child }: UnitState, index: number): ItemOutput {
  const isTooLarge = Buffer.byteLength(JSON.stringify(output)) > pageBytes;
  return {
    index,
    status,
    output: isTooLarge ? null : output,
    ...(isTooLarge && { isTooLarge }),
    ...(child !== undefined && { run: fromUuid('run', child) }),
    ...(error && { error: failureView(error) }),
    ...(usage && { usage: { ...usage } }),
    ...(startedAt !== undefined && endedAt !== undefined && { durationMs: Math.max(0, endedAt - startedAt) }),
  };
}
