import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { whyRun, type WhyRunReply } from '@signalbox/shared/contracts/execution/why-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class WhyRunRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/why')
  @Operation(whyRun, {
    summary: 'Why a run is not going on',
    description: 'One chain of causes down to its root, through steps and child runs, each with what to do next.',
  })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<WhyRunReply> {
    return this.bus.request(whyRun, { run: requireRunId(id) }, caller);
  }
}
