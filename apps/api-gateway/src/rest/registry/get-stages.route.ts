import { Controller, Get, Param, Query } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getStages, type GetStagesReply } from '@signalbox/shared/contracts/registry/get-stages.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class GetStagesQuery {
  /** The version whose gates are looked at; absent: the current one. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) version?: number;
}

@Controller('api/v1/agents')
export class GetStagesRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/stages')
  @Operation(getStages, {
    summary: 'Which versions of an agent are at which stage, and what a version lacks for each',
    query: GetStagesQuery,
  })
  handle(@Param('name') agent: string, @Query() query: GetStagesQuery, @FromCaller() caller: Caller): Promise<GetStagesReply> {
    return this.bus.request(getStages, { agent, ...query }, caller);
  }
}
