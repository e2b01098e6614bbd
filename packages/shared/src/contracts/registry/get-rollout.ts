import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsOptional, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { mirrorPairsKept, Rollout, rolloutEntriesMax, RolloutEntry, RolloutPair } from './rollout.ts';

export class GetRolloutRequest {
  @Matches(idPattern('rollout')) id!: string;
}

export class GetRolloutReply extends Rollout {
  /** What happened, the oldest first. */
  @IsArray() @ArrayMaxSize(rolloutEntriesMax) @ValidateNested({ each: true }) @Type(() => RolloutEntry) history!: RolloutEntry[];
  /** Mirrored calls that both versions answered in different ways, the newest first; where there are some, for who may read runs. */
  @IsOptional() @IsArray() @ArrayMaxSize(mirrorPairsKept) @ValidateNested({ each: true }) @Type(() => RolloutPair) pairs?: RolloutPair[];
}

/** One rollout with its history. */
export const getRollout = defineContract({
  subject: 'sb.registry.rollout.get',
  request: GetRolloutRequest,
  reply: GetRolloutReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
