import { Controller, Get, Param, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { listSteps, type ListStepsReply } from '@signalbox/shared/contracts/execution/list-steps.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class ListStepsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/steps')
  @Operation(listSteps, { summary: 'The steps of a run, page by page', query: PageRequest })
  handle(@Param('id') id: string, @Query() query: PageRequest, @FromCaller() caller: Caller): Promise<ListStepsReply> {
    return this.bus.request(listSteps, { run: requireRunId(id), ...query }, caller);
  }
}
