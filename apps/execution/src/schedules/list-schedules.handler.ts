import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listSchedules, type ListSchedulesReply, type ListSchedulesRequest } from '@signalbox/shared/contracts/execution/list-schedules.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { ScheduleStore } from './schedule.store.ts';

@Controller()
export class ListSchedulesHandler {
  constructor(private readonly store: ScheduleStore) {}

  @Handles(listSchedules)
  handle(@Payload() filter: ListSchedulesRequest, @FromCaller() { workspace }: Caller): Promise<ListSchedulesReply> {
    return this.store.list(workspace, filter);
  }
}
