import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listRuns, type ListRunsReply, type ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
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
    const current = data.map((view) => this.current(view));
    const wanted = new Set(request.status);
    return { data: wanted.size === 0 ? current : current.filter(({ status }) => wanted.has(status)), nextCursor };
  }

  /** Of a live run the row says only that it lives; how far it is, its owner knows. */
  private current(view: RunView): RunView {
    if (view.status !== 'running') return view;
    const live = this.engine.mayAct ? this.engine.owner.find(toUuid(view.id, 'run')) : undefined;
    return live?.isClean ? runView(live.state, live.facts, false) : view;
  }
}
