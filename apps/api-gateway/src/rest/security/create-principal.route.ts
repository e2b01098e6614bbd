import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { createPrincipal, NewPrincipal } from '@signalbox/shared/contracts/security/create-principal.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/principals')
export class CreatePrincipalRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(createPrincipal, { summary: 'Make a user or a service account', body: NewPrincipal, status: 201 })
  handle(
    @Body() body: NewPrincipal,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
  ): Promise<Principal> {
    return this.bus.request(createPrincipal, { ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) }, caller);
  }
}
