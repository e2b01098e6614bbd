import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listThreads, ListThreadsRequest, type ListThreadsReply } from '@signalbox/shared/contracts/context/list-threads.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/threads')
export class ListThreadsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listThreads, { summary: 'List conversations, the newest first', query: ListThreadsRequest })
  handle(@Query() query: ListThreadsRequest, @FromCaller() caller: Caller): Promise<ListThreadsReply> {
    return this.bus.request(listThreads, query, caller);
  }
}
