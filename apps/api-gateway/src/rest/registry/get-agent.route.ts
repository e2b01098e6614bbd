import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getAgent, type GetAgentReply } from '@signalbox/shared/contracts/registry/get-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/agents')
export class GetAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getAgent, { summary: 'One agent with its manifest' })
  async handle(
    @Param('name') name: string,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) response: FastifyReply,
  ): Promise<GetAgentReply> {
    const agent = await this.bus.request(getAgent, { name }, caller);
    response.header('etag', etagOf(agent.version));
    return agent;
  }
}
