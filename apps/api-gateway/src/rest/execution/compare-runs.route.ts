import { Controller, Get, Param, Query } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { PageRequest } from '@signalbox/shared/bus/page.js';
import { compareRuns, type CompareRunsReply } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class CompareRunsRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/compare/:other')
  @Operation(compareRuns, {
    summary: 'Two runs side by side',
    description: 'Steps are aligned by key: status, time, attempts, cost, and where inputs and outputs differ.',
    query: PageRequest,
  })
  handle(
    @Param('id') id: string,
    @Param('other') other: string,
    @Query() query: PageRequest,
    @FromCaller() caller: Caller,
  ): Promise<CompareRunsReply> {
    return this.bus.request(compareRuns, { run: requireRunId(id), other: requireRunId(other), ...query }, caller);
  }
}
