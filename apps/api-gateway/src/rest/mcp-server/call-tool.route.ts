import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import { IsInt, IsObject, IsOptional, Max, Min } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { callTimeoutMaxMs, callTool, type CallToolReply } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { whileConnected } from '../../platform/while-connected.ts';

class CallToolBody {
  /** Checked against the tool's input schema; `{}` if absent. */
  @IsOptional() @IsObject() @Opaque() arguments?: Record<string, unknown>;

  /** Shorter than the server allows. */
  @IsOptional() @IsInt() @Min(1) @Max(callTimeoutMaxMs) timeoutMs?: number;
}

@Controller('api/v1/tools')
export class CallToolRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':server/:tool/call')
  @Operation(callTool, {
    summary: 'Call a tool',
    description: '`isError`: the call was made, and the tool itself says that it failed. Closing the connection cancels the call.',
    body: CallToolBody,
    status: 200,
  })
  handle(
    @Param('server') server: string,
    @Param('tool') tool: string,
    @Body() body: CallToolBody,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<CallToolReply> {
    return this.bus.request(callTool, { server, tool, ...body }, caller, { signal: whileConnected(response.raw) });
  }
}
