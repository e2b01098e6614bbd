import { Body, Controller, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { promoteAgent, type PromoteAgentReply } from '@signalbox/shared/contracts/registry/promote-agent.js';
import { stages, type Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { ApplyQuery } from '../../platform/apply-query.ts';

class PromoteAgentBody {
  @IsInt() @Min(1) version!: number;
  @IsIn(stages) to!: Stage;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

@Controller('api/v1/agents')
export class PromoteAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/promote')
  @Operation(promoteAgent, {
    summary: 'Put a version of an agent at a stage',
    description:
      'It needs all gates of the stage, on evidence of that very version, and the stage before. A refusal names each metric that is short. `dryRun=true`: only say whether it may.',
    body: PromoteAgentBody,
    query: ApplyQuery,
    status: 200,
  })
  handle(
    @Param('name') agent: string,
    @Body() body: PromoteAgentBody,
    @Query() query: ApplyQuery,
    @FromCaller() caller: Caller,
  ): Promise<PromoteAgentReply> {
    return this.bus.request(promoteAgent, { agent, ...body, ...query }, caller);
  }
}
