import { Body, Controller, Param, Put, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { applyMcpServer, type ApplyMcpServerReply } from '@signalbox/shared/contracts/mcp-server/apply-mcp-server.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';
import { ManifestBody } from '../registry/manifest-body.ts';

@Controller('api/v1/mcp-servers')
export class ApplyMcpServerRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':name')
  @Operation(applyMcpServer, {
    summary: 'Create an MCP server or replace its manifest',
    description:
      'The same manifest again changes nothing. It is started in the background; calls in flight end first. Naming a command (`stdio`) is for administrators.',
    body: ManifestBody,
    query: ApplyQuery,
  })
  async handle(
    @Param('name') name: string,
    @Body() manifest: ManifestBody,
    @Query() query: ApplyQuery,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<ApplyMcpServerReply> {
    const request = { name, manifest: { ...manifest }, ...query, ...(expectedVersion !== undefined && { expectedVersion }) };
    const reply = await this.bus.request(applyMcpServer, request, caller);
    if (!query.dryRun) response.header('etag', etagOf(reply.resource.version));
    return reply;
  }
}
