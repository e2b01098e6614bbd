import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteMcpServer, type DeleteMcpServerReply } from '@signalbox/shared/contracts/mcp-server/delete-mcp-server.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/mcp-servers')
export class DeleteMcpServerRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteMcpServer, {
    summary: 'Stop an MCP server and forget it',
    description: 'With it go its tools and the folder where it kept its own files. Answers when its process is gone.',
  })
  handle(
    @Param('name') name: string,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
  ): Promise<DeleteMcpServerReply> {
    return this.bus.request(deleteMcpServer, { name, ...(expectedVersion !== undefined && { expectedVersion }) }, caller);
  }
}
