import { Body, Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { promoteRollout, type PromoteRolloutReply } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { RolloutBody } from './rollout-body.ts';
import { requireRolloutId } from './rollout-id.ts';

@Controller('api/v1/rollouts')
export class PromoteRolloutRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/promote')
  @Operation(promoteRollout, {
    summary: 'Make the new version the current one now',
    description: 'Whatever the measures say.',
    body: RolloutBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: RolloutBody, @FromCaller() caller: Caller): Promise<PromoteRolloutReply> {
    return this.bus.request(promoteRollout, { id: requireRolloutId(id), ...body }, caller);
  }
}
