import { Type } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Rollout } from './rollout.ts';

export class ResumeRolloutRequest {
  @Matches(idPattern('rollout')) id!: string;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class ResumeRolloutReply {
  @ValidateNested() @Type(() => Rollout) resource!: Rollout;
}

/** Lets a rollout that is paused go on, to the next step where a person was waited for. `conflict` where it has ended. */
export const resumeRollout = defineContract({
  subject: 'sb.registry.rollout.resume',
  request: ResumeRolloutRequest,
  reply: ResumeRolloutReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
