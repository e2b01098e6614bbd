import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listEvalSuites, ListEvalSuitesRequest, type ListEvalSuitesReply } from '@signalbox/shared/contracts/registry/list-eval-suites.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/eval-suites')
export class ListEvalSuitesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listEvalSuites, { summary: 'List eval suites by name', query: ListEvalSuitesRequest })
  handle(@Query() query: ListEvalSuitesRequest, @FromCaller() caller: Caller): Promise<ListEvalSuitesReply> {
    return this.bus.request(listEvalSuites, { ...query }, caller);
  }
}
