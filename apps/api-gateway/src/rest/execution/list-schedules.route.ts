import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listSchedules, ListSchedulesRequest, type ListSchedulesReply } from '@signalbox/shared/contracts/execution/list-schedules.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/schedules')
export class ListSchedulesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listSchedules, { summary: 'Schedules in the order of their names', query: ListSchedulesRequest })
  handle(@Query() query: ListSchedulesRequest, @FromCaller() caller: Caller): Promise<ListSchedulesReply> {
    return this.bus.request(listSchedules, { ...query }, caller);
  }
}
