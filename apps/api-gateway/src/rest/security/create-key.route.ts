import { Body, Controller, Post } from '@nestjs/common';
import { IsISO8601, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { createKey, CreateKeyReply, NewKey } from '@signalbox/shared/contracts/security/create-key.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';

class CreateKeyBody extends NewKey {
  /** Instead of `expiresInS`: when it ends, ISO 8601 with a time zone. */
  @IsOptional() @IsISO8601({ strict: true }) expiresAt?: string;
}

@Controller('api/v1/keys')
export class CreateKeyRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(createKey, {
    summary: 'Make an API key',
    description: 'The answer shows the key, once. Its rights are at most those of whoever makes it.',
    body: CreateKeyBody,
    reply: CreateKeyReply,
    status: 201,
  })
  handle(
    @Body() { expiresAt, ...body }: CreateKeyBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
  ): Promise<CreateKeyReply> {
    const request = { ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) };
    if (expiresAt === undefined) return this.bus.request(createKey, request, caller);
    const expiresInS = Math.ceil((Date.parse(expiresAt) - now()) / 1_000);
    if (request.expiresInS !== undefined || expiresInS < 1) {
      throw new Fault('invalid', '/expiresAt: must be in the future, and not beside expiresInS', 'Correct what `errors` names.', {
        errors: [{ pointer: '/expiresAt', detail: 'must be in the future, and not beside expiresInS' }],
      });
    }
    return this.bus.request(createKey, { ...request, expiresInS }, caller);
  }
}
