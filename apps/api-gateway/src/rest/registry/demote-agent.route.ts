import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsIn, IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { demoteAgent, type DemoteAgentReply } from '@signalbox/shared/contracts/registry/demote-agent.js';
import { stages, type Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class DemoteAgentBody {
  @IsInt() @Min(1) version!: number;
  /** The stage that it leaves, with all later ones. */
  @IsIn(stages) from!: Stage;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

@Controller('api/v1/agents')
export class DemoteAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/demote')
  @Operation(demoteAgent, {
    summary: 'Take a version of an agent from a stage and all later ones',
    description: 'The version that was there before is there again.',
    body: DemoteAgentBody,
    status: 200,
  })
  handle(@Param('name') agent: string, @Body() body: DemoteAgentBody, @FromCaller() caller: Caller): Promise<DemoteAgentReply> {
    return this.bus.request(demoteAgent, { agent, ...body }, caller);
  }
}
