import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listRuns, type ListRunsReply, type ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { endedRunStatuses, type RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { RunStore } from './run.store.ts';
import { runView } from './run-view.ts';

@Controller()
export class ListRunsHandler {
  constructor(
    private readonly store: RunStore,
    private readonly engine: Engine,
  ) {}

  @Handles(listRuns)
  async handle(@Payload() request: ListRunsRequest, @FromCaller() { workspace }: Caller): Promise<ListRunsReply> {
    const { data, nextCursor } = await this.store.list(workspace, request);
    return { data: data.map((view) => this.current(view)), nextCursor };
  }

  /** Of a live run the row says where it stands, not how far it is: that its owner knows. */
  private current(view: RunView): RunView {
    if (endedRunStatuses.includes(view.status)) return view;
    const live = this.engine.mayAct ? this.engine.owner.find(toUuid(view.id, 'run')) : undefined;
    // The status stays the one that was searched for: a page shows what it was asked for.
    return live?.isClean ? { ...runView(live.state, live.facts, false), status: view.status } : view;
  }
}
