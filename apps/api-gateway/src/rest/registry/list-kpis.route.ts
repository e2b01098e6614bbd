import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listKpis, ListKpisRequest, type ListKpisReply } from '@signalbox/shared/contracts/registry/list-kpis.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/kpis')
export class ListKpisRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listKpis, {
    summary: 'KPIs of a window against their targets, with burn rates and their course',
    description:
      'Of the workspace, or with `agent` of one agent. A share is between 0 and 1. A burn rate of 1 uses up the error budget of 30 days in 30 days; `burning`: both windows of a pair are beyond the threshold.',
    query: ListKpisRequest,
  })
  handle(@Query() query: ListKpisRequest, @FromCaller() caller: Caller): Promise<ListKpisReply> {
    return this.bus.request(listKpis, { ...query }, caller);
  }
}
