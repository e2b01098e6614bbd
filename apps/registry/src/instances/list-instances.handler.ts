import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import type { Instance } from '@signalbox/shared/contracts/registry/instance.js';
import { listInstances, type ListInstancesReply, ListInstancesRequest } from '@signalbox/shared/contracts/registry/list-instances.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { HeardInstances } from './heard-instances.ts';
import { instanceView, InstanceStore, type InstanceRow } from './instance.store.ts';

@Controller()
export class ListInstancesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly instances: InstanceStore,
    private readonly heard: HeardInstances,
  ) {}

  @Handles(listInstances)
  async handle(@Payload() request: ListInstancesRequest, @FromCaller() { workspace }: Caller): Promise<ListInstancesReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.instances.list(tx, request));
    return pageOf(
      rows,
      request.limit ?? pageLimitDefault,
      (row) => [row.agent, row.instance],
      (row) => this.view(row),
    );
  }

  /** What is heard here is newer than what was written. */
  private view(row: InstanceRow): Instance {
    const view = instanceView(row);
    const heard = this.heard.get(view.id);
    if (heard === undefined || row.status === 'gone') return view;
    const ageMs = performance.now() - heard.beatAt;
    return { ...view, inFlight: heard.state.inFlight, lastBeatAt: new Date(now() - ageMs).toISOString() };
  }
}
