import { Controller, Get, Param, Query } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getRunState, type GetRunStateReply } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

class GetRunStateQuery {
  /** The event after which the run is shown; past its end: as it is. */
  @Type(() => Number) @IsInt() @Min(0) @Max(2_147_483_647) seq!: number;
  /** `nextSteps` of the answer before. */
  @IsOptional() @IsString() @MaxLength(200) cursor?: string;
}

@Controller('api/v1/runs')
export class GetRunStateRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/state')
  @Operation(getRunState, {
    summary: 'A run as it stood after one of its events',
    description: '`seq` is that of an event of the run. Statuses, outputs and progress are as they were recorded then.',
    query: GetRunStateQuery,
  })
  handle(@Param('id') id: string, @Query() query: GetRunStateQuery, @FromCaller() caller: Caller): Promise<GetRunStateReply> {
    return this.bus.request(getRunState, { run: requireRunId(id), ...query }, caller);
  }
}
