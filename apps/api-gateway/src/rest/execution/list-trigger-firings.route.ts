import { Controller, Get, Param, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listTriggerFirings, type ListTriggerFiringsReply } from '@signalbox/shared/contracts/execution/list-trigger-firings.js';
import { firingOutcomes, type FiringOutcome } from '@signalbox/shared/contracts/execution/schedule-view.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class ListTriggerFiringsQuery extends PageRequest {
  @IsOptional() @IsIn(firingOutcomes) outcome?: FiringOutcome;
}

@Controller('api/v1/triggers')
export class ListTriggerFiringsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name/firings')
  @Operation(listTriggerFirings, {
    summary: 'What a trigger started, skipped and failed to start, the newest first',
    query: ListTriggerFiringsQuery,
  })
  handle(
    @Param('name') name: string,
    @Query() query: ListTriggerFiringsQuery,
    @FromCaller() caller: Caller,
  ): Promise<ListTriggerFiringsReply> {
    return this.bus.request(listTriggerFirings, { name, ...query }, caller);
  }
}
