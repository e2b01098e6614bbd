import { Body, Controller, Param, Post } from '@nestjs/common';
import { IsInt, IsOptional, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { measureAgent, type MeasureAgentReply } from '@signalbox/shared/contracts/registry/measure-agent.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class MeasureAgentBody {
  /** Absent: the current one. */
  @IsOptional() @IsInt() @Min(1) version?: number;
}

@Controller('api/v1/agents')
export class MeasureAgentRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':name/measure')
  @Operation(measureAgent, {
    summary: 'Measure a version of an agent, as evidence',
    description: 'By what its manifest says and its calls of the last 7 days did. Evidence that is newer than a minute stays as it is.',
    body: MeasureAgentBody,
    status: 200,
  })
  handle(@Param('name') agent: string, @Body() body: MeasureAgentBody, @FromCaller() caller: Caller): Promise<MeasureAgentReply> {
    return this.bus.request(measureAgent, { agent, ...body }, caller);
  }
}
