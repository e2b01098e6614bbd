import { Body, Controller, Param, Post } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { resumeRollout, type ResumeRolloutReply } from '@signalbox/shared/contracts/registry/resume-rollout.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { RolloutBody } from './rollout-body.ts';
import { requireRolloutId } from './rollout-id.ts';

@Controller('api/v1/rollouts')
export class ResumeRolloutRoute {
  constructor(private readonly bus: Bus) {}

  @Post(':id/resume')
  @Operation(resumeRollout, {
    summary: 'Let a rollout that is paused go on',
    description: 'To the next step, where a person was waited for.',
    body: RolloutBody,
    status: 200,
  })
  handle(@Param('id') id: string, @Body() body: RolloutBody, @FromCaller() caller: Caller): Promise<ResumeRolloutReply> {
    return this.bus.request(resumeRollout, { id: requireRolloutId(id), ...body }, caller);
  }
}
