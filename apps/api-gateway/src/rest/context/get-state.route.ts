import { Controller, Get, Param, Query, Res } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Min } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getState, type GetStateReply } from '@signalbox/shared/contracts/context/get-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { etagOf } from '../../platform/if-match.ts';
import { Operation } from '../../platform/operation.ts';

class GetStateQuery {
  /** An earlier version, while it is kept. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) version?: number;
}

@Controller('api/v1/state')
export class GetStateRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':scope/:key')
  @Operation(getState, {
    summary: 'Read one key of shared state',
    description: 'Its ETag is the version, for `If-Match`.',
    query: GetStateQuery,
  })
  async handle(
    @Param('scope') scope: string,
    @Param('key') key: string,
    @Query() { version }: GetStateQuery,
    @FromCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GetStateReply> {
    const entry = await this.bus.request(getState, { scope, key, ...(version !== undefined && { version }) }, caller);
    reply.header('etag', etagOf(entry.version));
    return entry;
  }
}
