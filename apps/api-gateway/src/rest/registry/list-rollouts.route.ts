import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listRollouts, ListRolloutsRequest, type ListRolloutsReply } from '@signalbox/shared/contracts/registry/list-rollouts.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/rollouts')
export class ListRolloutsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listRollouts, { summary: 'List rollouts of versions of agents, the newest first', query: ListRolloutsRequest })
  handle(@Query() query: ListRolloutsRequest, @FromCaller() caller: Caller): Promise<ListRolloutsReply> {
    return this.bus.request(listRollouts, { ...query }, caller);
  }
}
