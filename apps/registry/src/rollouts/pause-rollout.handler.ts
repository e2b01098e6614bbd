import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pauseRollout, type PauseRolloutReply, PauseRolloutRequest } from '@signalbox/shared/contracts/registry/pause-rollout.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { rolloutView } from './rollout-row.ts';
import { Rollouts } from './rollouts.ts';

@Controller()
export class PauseRolloutHandler {
  constructor(private readonly rollouts: Rollouts) {}

  @Handles(pauseRollout)
  async handle(@Payload() request: PauseRolloutRequest, @FromCaller() caller: Caller): Promise<PauseRolloutReply> {
    return { resource: rolloutView(await this.rollouts.act(caller, request, 'pause')) };
  }
}
