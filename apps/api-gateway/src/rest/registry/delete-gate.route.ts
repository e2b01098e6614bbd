import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { deleteGate, type DeleteGateReply } from '@signalbox/shared/contracts/registry/delete-gate.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/gates')
export class DeleteGateRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':name')
  @Operation(deleteGate, { summary: 'Take a gate away; a built-in one of that name is there again' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<DeleteGateReply> {
    return this.bus.request(deleteGate, { name }, caller);
  }
}
