import { Type } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Rollout } from './rollout.ts';

export class AbortRolloutRequest {
  @Matches(idPattern('rollout')) id!: string;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class AbortRolloutReply {
  @ValidateNested() @Type(() => Rollout) resource!: Rollout;
}

/** Sends all calls to the stable version again, now. `conflict` where it has ended. */
export const abortRollout = defineContract({
  subject: 'sb.registry.rollout.abort',
  request: AbortRolloutRequest,
  reply: AbortRolloutReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
