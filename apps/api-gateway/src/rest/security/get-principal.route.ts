import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getPrincipal } from '@signalbox/shared/contracts/security/get-principal.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/principals')
export class GetPrincipalRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getPrincipal, { summary: 'Read one principal' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<Principal> {
    return this.bus.request(getPrincipal, { id }, caller);
  }
}
