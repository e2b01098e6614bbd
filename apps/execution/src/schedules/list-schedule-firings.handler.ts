import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  listScheduleFirings,
  type ListScheduleFiringsReply,
  type ListScheduleFiringsRequest,
} from '@signalbox/shared/contracts/execution/list-schedule-firings.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { listFirings } from './firing.store.ts';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class ListScheduleFiringsHandler {
  constructor(
    private readonly store: ScheduleStore,
    private readonly db: WorkspaceDatabase,
  ) {}

  @Handles(listScheduleFirings)
  async handle(
    @Payload() { name, ...filter }: ListScheduleFiringsRequest,
    @FromCaller() caller: Caller,
  ): Promise<ListScheduleFiringsReply> {
    const { source } = await this.store.get(caller.workspace, name);
    return this.db.inWorkspace(caller.workspace, (tx) => listFirings(tx, source.id, filter));
  }
}
