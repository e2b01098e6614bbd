import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { restartMcpServer, type RestartMcpServerReply } from '@signalbox/shared/contracts/mcp-server/restart-mcp-server.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/mcp-servers')
export class RestartMcpServerRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/restart')
  @Operation(restartMcpServer, {
    summary: 'Stop an MCP server and start it anew',
    description: 'Also one that was given up. Answers when it is ready again, or cannot be made so: `status` and `statusReason` say which.',
    status: 200,
  })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<RestartMcpServerReply> {
    return this.bus.request(restartMcpServer, { name }, caller);
  }
}
