import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getGate, type GetGateReply } from '@signalbox/shared/contracts/registry/get-gate.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/gates')
export class GetGateRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':name')
  @Operation(getGate, { summary: 'One gate with its manifest' })
  handle(@Param('name') name: string, @FromCaller() caller: Caller): Promise<GetGateReply> {
    return this.bus.request(getGate, { name }, caller);
  }
}
