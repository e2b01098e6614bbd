import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Rollout } from './rollout.ts';
import { rolloutStatuses, type RolloutStatus } from './rollout-terms.ts';

export class ListRolloutsRequest extends PageRequest {
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
  @IsOptional() @IsIn(rolloutStatuses) status?: RolloutStatus;
}

export class ListRolloutsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Rollout) data!: Rollout[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Rollouts, the newest first; `q` looks into the agent's name. */
export const listRollouts = defineContract({
  subject: 'sb.registry.rollout.list',
  request: ListRolloutsRequest,
  reply: ListRolloutsReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
});
