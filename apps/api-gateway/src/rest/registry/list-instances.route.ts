import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listInstances, ListInstancesRequest, type ListInstancesReply } from '@signalbox/shared/contracts/registry/list-instances.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/instances')
export class ListInstancesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listInstances, { summary: 'List instances by agent and name', query: ListInstancesRequest })
  handle(@Query() query: ListInstancesRequest, @FromCaller() caller: Caller): Promise<ListInstancesReply> {
    return this.bus.request(listInstances, query, caller);
  }
}
