import { Type } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Rollout } from './rollout.ts';

export class PauseRolloutRequest {
  @Matches(idPattern('rollout')) id!: string;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class PauseRolloutReply {
  @ValidateNested() @Type(() => Rollout) resource!: Rollout;
}

/** Holds a rollout at its step: the shares stay as they are, and it is not judged. One that is paused stays so. `conflict` where it has ended. */
export const pauseRollout = defineContract({
  subject: 'sb.registry.rollout.pause',
  request: PauseRolloutRequest,
  reply: PauseRolloutReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
