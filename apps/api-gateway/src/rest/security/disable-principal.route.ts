import { Controller, Delete, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { updatePrincipal } from '@signalbox/shared/contracts/security/update-principal.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/principals')
export class DisablePrincipalRoute {
  constructor(private readonly bus: Bus) {}

  /** What a principal did stays in the audit, so it is never removed. */
  @Delete(':id')
  @Operation(updatePrincipal, { summary: 'Disable a principal: its keys, sessions and grants are refused' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<Principal> {
    return this.bus.request(updatePrincipal, { id, disabled: true }, caller);
  }
}
