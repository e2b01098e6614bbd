import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { promoteRollout, type PromoteRolloutReply, PromoteRolloutRequest } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { rolloutView } from './rollout-row.ts';
import { Rollouts } from './rollouts.ts';

@Controller()
export class PromoteRolloutHandler {
  constructor(private readonly rollouts: Rollouts) {}

  @Handles(promoteRollout)
  async handle(@Payload() request: PromoteRolloutRequest, @FromCaller() caller: Caller): Promise<PromoteRolloutReply> {
    return { resource: rolloutView(await this.rollouts.act(caller, request, 'promote')) };
  }
}
