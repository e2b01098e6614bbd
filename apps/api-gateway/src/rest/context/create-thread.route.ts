import { Body, Controller, Post, Res } from '@nestjs/common';
import { IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { createThread, type CreateThreadReply } from '@signalbox/shared/contracts/context/create-thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';

class CreateThreadBody {
  @IsOptional() @IsString() @MaxLength(200) title?: string;
  /** At most 32, of at most 63 and 255 characters. */
  @IsOptional() @Opaque() @IsObject() labels?: Record<string, string>;
}

@Controller('api/v1/threads')
export class CreateThreadRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(createThread, { summary: 'Begin a conversation', body: CreateThreadBody, status: 201 })
  async handle(
    @Body() body: CreateThreadBody,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<CreateThreadReply> {
    const made = await this.bus.request(createThread, { ...body, ...(idempotencyKey !== undefined && { idempotencyKey }) }, caller);
    reply.header('location', `/api/v1/threads/${made.id}`);
    return made;
  }
}
