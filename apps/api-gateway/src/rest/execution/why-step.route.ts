import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { whyRun, type WhyRunReply } from '@signalbox/shared/contracts/execution/why-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class WhyStepRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/steps/:key/why')
  @Operation(whyRun, {
    summary: 'Why a step is not going on',
    description: '`analyse[3]` names an item of a step with forEach.',
  })
  handle(@Param('id') id: string, @Param('key') key: string, @FromCaller() caller: Caller): Promise<WhyRunReply> {
    return this.bus.request(whyRun, { run: requireRunId(id), key }, caller);
  }
}
