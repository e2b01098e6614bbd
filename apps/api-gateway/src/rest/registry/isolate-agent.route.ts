import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { instanceNamePattern } from '@signalbox/shared/contracts/registry/instance.js';
import { isolateAgent, type IsolateAgentReply } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class IsolateAgentBody {
  /** One of its instances; absent: the agent with all of them. */
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
  /** What others should know of it. */
  @IsString() @MinLength(1) @MaxLength(500) reason!: string;
}

@Controller('api/v1/agents')
export class IsolateAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/isolate')
  @Operation(isolateAgent, {
    summary: 'Isolate an agent or one of its instances',
    description: 'It gets no new work, and what it has is given to others, until it is released.',
    body: IsolateAgentBody,
    status: 200,
  })
  handle(@Param('name') agent: string, @Body() body: IsolateAgentBody, @FromCaller() caller: Caller): Promise<IsolateAgentReply> {
    return this.bus.request(isolateAgent, { agent, ...body }, caller);
  }
}
