import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listRunOperations, type ListRunOperationsReply } from '@signalbox/shared/contracts/execution/list-run-operations.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/run-operations')
export class ListRunOperationsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listRunOperations, { summary: 'Operations on many runs, the newest first', query: PageRequest })
  handle(@Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListRunOperationsReply> {
    return this.bus.request(listRunOperations, query, caller);
  }
}
