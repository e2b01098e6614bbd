import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { signOffAgent, type SignOffAgentReply } from '@signalbox/shared/contracts/registry/sign-off-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class SignOffAgentBody {
  /** The version that was looked at. */
  @IsInt() @Min(1) version!: number;
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}

@Controller('api/v1/agents')
export class SignOffAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/sign-off')
  @Operation(signOffAgent, {
    summary: 'Sign off a version of an agent',
    description: 'It must be the current one: what was changed since is not signed off with it.',
    body: SignOffAgentBody,
    status: 200,
  })
  handle(@Param('name') agent: string, @Body() body: SignOffAgentBody, @FromCaller() caller: Caller): Promise<SignOffAgentReply> {
    return this.bus.request(signOffAgent, { agent, ...body }, caller);
  }
}
