import { Body, Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { pauseRollout, type PauseRolloutReply } from '@signalbox/shared/contracts/registry/pause-rollout.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { RolloutBody } from './rollout-body.ts';
import { requireRolloutId } from './rollout-id.ts';

@Controller('api/v1/rollouts')
export class PauseRolloutRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/pause')
  @Operation(pauseRollout, {
    summary: 'Hold a rollout at its step',
    description: 'The shares stay as they are, and nothing follows from what is measured.',
    body: RolloutBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: RolloutBody, @FromCaller() caller: Caller): Promise<PauseRolloutReply> {
    return this.bus.request(pauseRollout, { id: requireRolloutId(id), ...body }, caller);
  }
}
