import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listBreakers, ListBreakersRequest, type ListBreakersReply } from '@signalbox/shared/contracts/protocol/list-breakers.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/breakers')
export class ListBreakersRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listBreakers, {
    summary: 'Circuit breakers of agents and MCP servers that are called',
    description: 'Only those that ever opened: a target that is not listed is closed.',
    query: ListBreakersRequest,
  })
  handle(@Query() query: ListBreakersRequest, @FromCaller() caller: Caller): Promise<ListBreakersReply> {
    return this.bus.request(listBreakers, query, caller);
  }
}
