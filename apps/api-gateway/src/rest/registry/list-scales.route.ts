import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listScales, type ListScalesReply } from '@signalbox/shared/contracts/registry/list-scales.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/scales')
export class ListScalesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listScales, {
    summary: 'List the agents that are scaled: what waits for them and how many instances they should have',
    description: 'Agents with `worker.autoscale`. What waits is read with the caller’s `runs:read`.',
    query: PageRequest,
  })
  handle(@Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListScalesReply> {
    return this.bus.request(listScales, query, caller);
  }
}
