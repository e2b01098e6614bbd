import { Controller, Delete, Param, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { Key } from '@signalbox/shared/contracts/security/key.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

class RevokeKeyQuery {
  /** Also what was started with the key loses its rights. */
  @IsOptional() @IsIn(['true', 'false']) withGrants?: 'true' | 'false';
}

@Controller('api/v1/keys')
export class RevokeKeyRoute {
  constructor(private readonly bus: Bus) {}

  @Delete(':id')
  @Operation(revokeKey, {
    summary: 'Revoke an API key',
    description: 'It and its browser sessions end everywhere within 5 s. What was started with it goes on, unless `withGrants=true`.',
    query: RevokeKeyQuery,
  })
  handle(@Param('id') id: string, @Query() { withGrants }: RevokeKeyQuery, @FromCaller() caller: Caller): Promise<Key> {
    return this.bus.request(revokeKey, { id, withGrants: withGrants === 'true' }, caller);
  }
}
