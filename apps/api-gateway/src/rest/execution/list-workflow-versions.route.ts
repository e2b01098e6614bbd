import { Controller, Get, Param, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listWorkflowVersions, type ListWorkflowVersionsReply } from '@signalbox/shared/contracts/execution/list-workflow-versions.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workflows')
export class ListWorkflowVersionsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/versions')
  @Operation(listWorkflowVersions, {
    summary: 'What a workflow was, the newest first',
    description: 'The last 200 versions. Any of them can be what it is again.',
    query: PageRequest,
  })
  handle(@Param('name') name: string, @Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListWorkflowVersionsReply> {
    return this.bus.request(listWorkflowVersions, { name, ...query }, caller);
  }
}
