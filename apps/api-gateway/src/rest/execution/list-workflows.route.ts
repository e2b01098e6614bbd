import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listWorkflows, type ListWorkflowsReply } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workflows')
export class ListWorkflowsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listWorkflows, { summary: 'Workflows in the order of their names', query: PageRequest })
  handle(@Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListWorkflowsReply> {
    return this.bus.request(listWorkflows, { ...query }, caller);
  }
}
