import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listIncidents, ListIncidentsRequest, type ListIncidentsReply } from '@signalbox/shared/contracts/registry/list-incidents.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/incidents')
export class ListIncidentsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listIncidents, { summary: 'List incidents, the newest first', query: ListIncidentsRequest })
  handle(@Query() query: ListIncidentsRequest, @FromCaller() caller: Caller): Promise<ListIncidentsReply> {
    return this.bus.request(listIncidents, query, caller);
  }
}
