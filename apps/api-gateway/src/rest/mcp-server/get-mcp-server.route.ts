import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getMcpServer, type GetMcpServerReply } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/mcp-servers')
export class GetMcpServerRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getMcpServer, { summary: 'One MCP server, with what it wrote to its standard error' })
  async handle(
    @Param('name') name: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<GetMcpServerReply> {
    const reply = await this.bus.request(getMcpServer, { name }, caller);
    response.header('etag', etagOf(reply.version));
    return reply;
  }
}
