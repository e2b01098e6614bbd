import { Body, Controller, Param, Put, Res } from '@nestjs/common';
import { IsOptional } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { Opaque } from '@signalbox/shared/bus/opaque.js';
import { putState, type PutStateReply } from '@signalbox/shared/contracts/context/put-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf, IfMatch } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class PutStateBody {
  /** Any JSON value, at most 256 KiB encoded. */
  @IsOptional() @Opaque() value: unknown;
}

@Controller('api/v1/state')
export class PutStateRoute {
  constructor(private readonly bus: Bus) {}

  @Put(':scope/:key')
  @Operation(putState, {
    summary: 'Write one key of shared state',
    description: '`If-Match: "7"`: only over version 7; `"0"`: only if the key does not exist. A lost race is 412.',
    body: PutStateBody,
  })
  async handle(
    @Param('scope') scope: string,
    @Param('key') key: string,
    @Body() { value }: PutStateBody,
    @IfMatch() expectedVersion: number | undefined,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PutStateReply> {
    const written = await this.bus.request(
      putState,
      { scope, key, value, ...(expectedVersion !== undefined && { expectedVersion }) },
      caller,
    );
    reply.header('etag', etagOf(written.version));
    return written;
  }
}
