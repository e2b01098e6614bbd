import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getRun, type GetRunReply } from '@signalbox/shared/contracts/execution/get-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class GetRunRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getRun, { summary: 'A run with its steps', description: 'Inputs and outputs of steps are cut where they are large.' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetRunReply> {
    return this.bus.request(getRun, { run: requireRunId(id) }, caller);
  }
}
