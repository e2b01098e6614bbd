import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listIsolations, ListIsolationsRequest, type ListIsolationsReply } from '@signalbox/shared/contracts/registry/list-isolations.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/isolations')
export class ListIsolationsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listIsolations, { summary: 'List what is isolated, with its next attempt', query: ListIsolationsRequest })
  handle(@Query() query: ListIsolationsRequest, @FromCaller() caller: Caller): Promise<ListIsolationsReply> {
    return this.bus.request(listIsolations, query, caller);
  }
}
