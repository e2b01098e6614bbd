import { Controller, Get, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import {
  listMcpServers,
  type ListMcpServersReply,
  ListMcpServersRequest,
} from '@signalbox/shared/contracts/mcp-server/list-mcp-servers.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/mcp-servers')
export class ListMcpServersRoute {
  constructor(private readonly bus: Bus) {}

  @Get()
  @Operation(listMcpServers, { summary: 'MCP servers in order of their names', query: ListMcpServersRequest })
  handle(@Query() query: ListMcpServersRequest, @FromCaller() caller: Caller): Promise<ListMcpServersReply> {
    return this.bus.request(listMcpServers, query, caller);
  }
}
