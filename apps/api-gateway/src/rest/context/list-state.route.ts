import { Controller, Get, Param, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listState, type ListStateReply } from '@signalbox/shared/contracts/context/list-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/state')
export class ListStateRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':scope')
  @Operation(listState, {
    summary: 'The keys of a scope of shared state',
    description: 'A scope is `workspace`, a run (`run_…`) or an agent (`agent:<name>`). Values are read key by key.',
    query: PageRequest,
  })
  handle(@Param('scope') scope: string, @Query() page: PageRequest, @FromCaller() caller: Caller): Promise<ListStateReply> {
    return this.bus.request(listState, { scope, ...page }, caller);
  }
}
