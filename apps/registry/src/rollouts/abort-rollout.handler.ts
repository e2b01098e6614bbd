import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { abortRollout, type AbortRolloutReply, AbortRolloutRequest } from '@signalbox/shared/contracts/registry/abort-rollout.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { rolloutView } from './rollout-row.ts';
import { Rollouts } from './rollouts.ts';

@Controller()
export class AbortRolloutHandler {
  constructor(private readonly rollouts: Rollouts) {}

  @Handles(abortRollout)
  async handle(@Payload() request: AbortRolloutRequest, @FromCaller() caller: Caller): Promise<AbortRolloutReply> {
    return { resource: rolloutView(await this.rollouts.act(caller, request, 'abort')) };
  }
}
