import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listTriggers, ListTriggersRequest, type ListTriggersReply } from '@signalbox/shared/contracts/execution/list-triggers.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/triggers')
export class ListTriggersRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listTriggers, { summary: 'Triggers in the order of their names', query: ListTriggersRequest })
  handle(@Query() query: ListTriggersRequest, @FromCaller() caller: Caller): Promise<ListTriggersReply> {
    return this.bus.request(listTriggers, { ...query }, caller);
  }
}
