import { Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelRun, type CancelRunReply } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { requireRunId } from './run-id.ts';

@Controller('api/v1/runs')
export class CancelRunRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/cancel')
  @Operation(cancelRun, {
    summary: 'End a run',
    description:
      'Its open steps are told, what was done is undone and `finally` runs, where the workflow says so; a second cancel ends the steps of `finally` too. `conflict` when it has ended in another way.',
    status: 200,
  })
  handle(
    @Param('id') id: string,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
  ): Promise<CancelRunReply> {
    // One of its own, so that what is sent again on the way is one cancel.
    return this.bus.request(cancelRun, { run: requireRunId(id), idempotencyKey: idempotencyKey ?? newUuid() }, caller);
  }
}
