import { Type } from 'class-transformer';
import { IsInt, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Rollout } from './rollout.ts';

export class StartRolloutRequest {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) @Max(2_147_483_647) version!: number;
}

export class StartRolloutReply {
  @ValidateNested() @Type(() => Rollout) resource!: Rollout;
}

/**
 * Rolls out a version that is there already, as its manifest says: one that was rolled back and is to be tried again, or an earlier one. Applying a
 * manifest with `spec.rollout` does so by itself. `conflict` where another rollout of the agent is under way or the version is the current one.
 */
export const startRollout = defineContract({
  subject: 'sb.registry.rollout.start',
  request: StartRolloutRequest,
  reply: StartRolloutReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
