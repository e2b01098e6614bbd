import { Controller, Get, Param } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { getRollout, type GetRolloutReply } from '@signalbox/shared/contracts/registry/get-rollout.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireRolloutId } from './rollout-id.ts';

@Controller('api/v1/rollouts')
export class GetRolloutRoute {
  constructor(private readonly bus: Bus) {}

  @Get(':id')
  @Operation(getRollout, { summary: 'One rollout, with what was measured of both versions and what happened' })
  handle(@Param('id') id: string, @FromCaller() caller: Caller): Promise<GetRolloutReply> {
    return this.bus.request(getRollout, { id: requireRolloutId(id) }, caller);
  }
}
