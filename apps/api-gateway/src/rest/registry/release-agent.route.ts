import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, Matches } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { instanceNamePattern } from '@signalbox/shared/contracts/registry/instance.js';
import { releaseAgent, type ReleaseAgentReply } from '@signalbox/shared/contracts/registry/release-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class ReleaseAgentBody {
  /** One of its instances; absent: the agent, and those of its instances that are isolated. */
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
}

@Controller('api/v1/agents')
export class ReleaseAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/release')
  @Operation(releaseAgent, {
    summary: 'Let an agent or an instance in again',
    body: ReleaseAgentBody,
    status: 200,
  })
  handle(@Param('name') agent: string, @Body() body: ReleaseAgentBody, @FromCaller() caller: Caller): Promise<ReleaseAgentReply> {
    return this.bus.request(releaseAgent, { agent, ...body }, caller);
  }
}
