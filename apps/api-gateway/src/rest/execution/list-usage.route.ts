import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listUsage, ListUsageRequest, type ListUsageReply } from '@signalbox/shared/contracts/execution/list-usage.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/usage')
export class ListUsageRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listUsage, {
    summary: 'Tokens and cost, by time, workflow, agent and model',
    description:
      'What attempts of steps told that they used, of runs that have ended and of those that are under way, in the hour in which they told it. `total` is the sum of all rows. Runs that were read from a file used nothing here; what runs used stays when they are deleted.',
    query: ListUsageRequest,
  })
  handle(@Query() query: ListUsageRequest, @FromCaller() caller: Caller): Promise<ListUsageReply> {
    return this.bus.request(listUsage, query, caller);
  }
}
