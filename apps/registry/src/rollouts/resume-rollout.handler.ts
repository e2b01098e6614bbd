import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { resumeRollout, type ResumeRolloutReply, ResumeRolloutRequest } from '@signalbox/shared/contracts/registry/resume-rollout.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { rolloutView } from './rollout-row.ts';
import { Rollouts } from './rollouts.ts';

@Controller()
export class ResumeRolloutHandler {
  constructor(private readonly rollouts: Rollouts) {}

  @Handles(resumeRollout)
  async handle(@Payload() request: ResumeRolloutRequest, @FromCaller() caller: Caller): Promise<ResumeRolloutReply> {
    return { resource: rolloutView(await this.rollouts.act(caller, request, 'resume')) };
  }
}
