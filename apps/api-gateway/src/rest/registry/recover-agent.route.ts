import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, Matches } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { instanceNamePattern } from '@signalbox/shared/contracts/registry/instance.js';
import { recoverAgent, type RecoverAgentReply } from '@signalbox/shared/contracts/registry/recover-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class RecoverAgentBody {
  /** One of its instances; absent: the agent itself. */
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
}

@Controller('api/v1/agents')
export class RecoverAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/recover')
  @Operation(recoverAgent, {
    summary: 'Make the next attempt to recover now',
    description: 'A process of ours is replaced; others are tried with one task at a time. Also after it was given up.',
    body: RecoverAgentBody,
    status: 202,
  })
  handle(@Param('name') agent: string, @Body() body: RecoverAgentBody, @FromCaller() caller: Caller): Promise<RecoverAgentReply> {
    return this.bus.request(recoverAgent, { agent, ...body }, caller);
  }
}
