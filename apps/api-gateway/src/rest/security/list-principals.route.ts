import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listPrincipals, ListPrincipalsRequest, type ListPrincipalsReply } from '@signalbox/shared/contracts/security/list-principals.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/principals')
export class ListPrincipalsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listPrincipals, { summary: 'List who may act in the workspace, the newest first', query: ListPrincipalsRequest })
  handle(@Query() query: ListPrincipalsRequest, @FromCaller() caller: Caller): Promise<ListPrincipalsReply> {
    return this.bus.request(listPrincipals, query, caller);
  }
}
