import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getStep, type GetStepReply } from '@signalbox/shared/contracts/execution/get-step.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class GetStepRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id/steps/:key')
  @Operation(getStep, {
    summary: 'One step with its whole input and output',
    description: '`analyse[3]` names an item of a step with forEach.',
  })
  handle(@Param('id') id: string, @Param('key') key: string, @FromCaller() caller: Caller): Promise<GetStepReply> {
    return this.bus.request(getStep, { run: requireRunId(id), key }, caller);
  }
}
