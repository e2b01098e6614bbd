import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listScales, type ListScalesReply, ListScalesRequest } from '@signalbox/shared/contracts/registry/list-scales.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { nameAfter } from '../deployments/deployment.store.ts';
import { QueueReader } from './queues.ts';
import { scaleView } from './scale-view.ts';
import { ScaleStore } from './scale.store.ts';

@Controller()
export class ListScalesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly scales: ScaleStore,
    private readonly queues: QueueReader,
  ) {}

  @Handles(listScales)
  async handle(@Payload() { cursor, limit = pageLimitDefault }: ListScalesRequest, @FromCaller() caller: Caller): Promise<ListScalesReply> {
    const rows = await this.db.inWorkspace(caller.workspace, (tx) => this.scales.list(tx, nameAfter(cursor), limit + 1));
    if (rows.length === 0) return { data: [], nextCursor: null };
    const queues = await this.queues.of(caller);
    return pageOf(
      rows,
      limit,
      ({ name }) => [name],
      (row) => scaleView(row, queues(row.name))!,
    );
  }
}
