import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getRunOperation, type GetRunOperationReply } from '@signalbox/shared/contracts/execution/get-run-operation.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireOperationId } from './run-id.ts';

@Controller('api/v1/run-operations')
export class GetRunOperationRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getRunOperation, { summary: 'How far an operation on many runs is' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetRunOperationReply> {
    return this.bus.request(getRunOperation, { operation: requireOperationId(id) }, caller);
  }
}
