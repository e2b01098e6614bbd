import { Controller, Get, Param, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listAgentVersions, type ListAgentVersionsReply } from '@signalbox/shared/contracts/registry/list-agent-versions.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/agents')
export class ListAgentVersionsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/versions')
  @Operation(listAgentVersions, { summary: 'The versions of an agent, the newest first', query: PageRequest })
  handle(@Param('name') name: string, @Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListAgentVersionsReply> {
    return this.bus.request(listAgentVersions, { name, ...query }, caller);
  }
}
