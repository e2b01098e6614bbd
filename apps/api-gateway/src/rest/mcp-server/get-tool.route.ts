import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getTool, type GetToolReply } from '@signalbox/shared/contracts/mcp-server/get-tool.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/tools')
export class GetToolRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':server/:tool')
  @Operation(getTool, { summary: 'One tool, with its definition word for word and its pin' })
  handle(@Param('server') server: string, @Param('tool') tool: string, @FromCaller() caller: Caller): Promise<GetToolReply> {
    return this.bus.request(getTool, { server, tool }, caller);
  }
}
