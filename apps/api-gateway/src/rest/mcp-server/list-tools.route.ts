import { Controller, Get, Query } from '@nestjs/common';
import { IsOptional, Matches } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listTools, type ListToolsReply } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';
import { Operation } from '../../platform/operation.ts';

class ListToolsQuery extends PageRequest {
  /** Only tools of this server. */
  @IsOptional() @Matches(namePattern) server?: string;
}

@Controller('api/v1/tools')
export class ListToolsRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listTools, {
    summary: 'Tools of all MCP servers, in order of server and name',
    description: 'Also of servers that are down just now. `q` looks into name, title and description.',
    query: ListToolsQuery,
  })
  handle(@Query() query: ListToolsQuery, @FromCaller() caller: Caller): Promise<ListToolsReply> {
    return this.bus.request(listTools, query, caller);
  }
}
