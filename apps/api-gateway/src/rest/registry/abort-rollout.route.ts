import { Body, Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { abortRollout, type AbortRolloutReply } from '@signalbox/shared/contracts/registry/abort-rollout.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { RolloutBody } from './rollout-body.ts';
import { requireRolloutId } from './rollout-id.ts';

@Controller('api/v1/rollouts')
export class AbortRolloutRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/abort')
  @Operation(abortRollout, {
    summary: 'Send all calls to the stable version again, now',
    description: 'The rollout ends as `rolled-back`.',
    body: RolloutBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: RolloutBody, @FromCaller() caller: Caller): Promise<AbortRolloutReply> {
    return this.bus.request(abortRollout, { id: requireRolloutId(id), ...body }, caller);
  }
}
