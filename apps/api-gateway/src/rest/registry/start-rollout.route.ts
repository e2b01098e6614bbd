import { Body, Controller, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { startRollout, StartRolloutRequest, type StartRolloutReply } from '@signalbox/shared/contracts/registry/start-rollout.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/rollouts')
export class StartRolloutRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(startRollout, {
    summary: 'Roll out a version of an agent that is there already',
    description:
      'As `spec.rollout` of its manifest says, else as a canary: one that was rolled back and is to be tried again, or an earlier one. Applying a manifest with `spec.rollout` begins a rollout by itself.',
    body: StartRolloutRequest,
    status: 201,
  })
  handle(@Body() body: StartRolloutRequest, @FromCaller() caller: Caller): Promise<StartRolloutReply> {
    return this.bus.request(startRollout, { ...body }, caller);
  }
}
