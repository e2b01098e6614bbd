import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listEvals, ListEvalsRequest, type ListEvalsReply } from '@signalbox/shared/contracts/registry/list-evals.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/evals')
export class ListEvalsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listEvals, { summary: 'List evals, the newest first', query: ListEvalsRequest })
  handle(@Query() query: ListEvalsRequest, @FromCaller() caller: Caller): Promise<ListEvalsReply> {
    return this.bus.request(listEvals, { ...query }, caller);
  }
}
