import { Controller, Post, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelRunOperation, type CancelRunOperationReply } from '@signalbox/shared/contracts/execution/cancel-run-operation.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireOperationId } from './run-id.ts';

@Controller('api/v1/run-operations')
export class CancelRunOperationRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/cancel')
  @Operation(cancelRunOperation, { summary: 'End an operation on many runs', description: 'What it has done stays done.', status: 200 })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<CancelRunOperationReply> {
    return this.bus.request(cancelRunOperation, { operation: requireOperationId(id) }, caller);
  }
}
