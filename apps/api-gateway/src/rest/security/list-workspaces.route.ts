import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listWorkspaces, ListWorkspacesRequest, type ListWorkspacesReply } from '@signalbox/shared/contracts/security/list-workspaces.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/workspaces')
export class ListWorkspacesRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listWorkspaces, {
    summary: 'List workspaces by name',
    description: 'All of them for who administers the installation, for others their own.',
    query: ListWorkspacesRequest,
  })
  handle(@Query() query: ListWorkspacesRequest, @FromCaller() caller: Caller): Promise<ListWorkspacesReply> {
    return this.bus.request(listWorkspaces, query, caller);
  }
}
