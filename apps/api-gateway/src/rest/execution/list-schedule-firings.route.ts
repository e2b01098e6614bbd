import { Controller, Get, Param, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listScheduleFirings, type ListScheduleFiringsReply } from '@signalbox/shared/contracts/execution/list-schedule-firings.js';
import { firingOutcomes, type FiringOutcome } from '@signalbox/shared/contracts/execution/schedule-view.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class ListScheduleFiringsQuery extends PageRequest {
  @IsOptional() @IsIn(firingOutcomes) outcome?: FiringOutcome;
}

@Controller('api/v1/schedules')
export class ListScheduleFiringsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/firings')
  @Operation(listScheduleFirings, {
    summary: 'What a schedule started, skipped and failed to start, the newest first',
    query: ListScheduleFiringsQuery,
  })
  handle(
    @Param('name') name: string,
    @Query() query: ListScheduleFiringsQuery,
    @FromCaller() caller: Caller,
  ): Promise<ListScheduleFiringsReply> {
    return this.bus.request(listScheduleFirings, { name, ...query }, caller);
  }
}
