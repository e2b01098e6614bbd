import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelRun, type CancelRunReply } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class CancelRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/cancel')
  @Operation(cancelRun, {
    summary: 'End a run',
    description: 'Its open steps are told; `conflict` when it has ended in another way.',
    status: 200,
  })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<CancelRunReply> {
    return this.bus.request(cancelRun, { run: requireRunId(id) }, caller);
  }
}
