import { Type } from 'class-transformer';
import { IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Rollout } from './rollout.ts';

export class PromoteRolloutRequest {
  @Matches(idPattern('rollout')) id!: string;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class PromoteRolloutReply {
  @ValidateNested() @Type(() => Rollout) resource!: Rollout;
}

/** Makes the new version the current one now, whatever the measures say. `conflict` where it has ended. */
export const promoteRollout = defineContract({
  subject: 'sb.registry.rollout.promote',
  request: PromoteRolloutRequest,
  reply: PromoteRolloutReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
