import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { PlaceClaim } from './tell-queue.ts';

export class TakePlaceRequest {
  /** The run that is about to be started. */
  @Matches(idPattern('run')) run!: string;
  @ValidateNested() @Type(() => PlaceClaim) claim!: PlaceClaim;
  /** `take`: it gets the place now or not at all. `look`: whether one more may wait. */
  @IsIn(['take', 'look']) how!: 'take' | 'look';
}

export class TakePlaceReply {
  /** Why it may not start; null: it may, and has the place that it was to take. */
  @IsOptional() @IsString() because!: string | null;
  /** When it may be worth while to ask again, in milliseconds. */
  @IsInt() retryAfterMs!: number;
}

/** Whoever starts a run asks the keeper of a limit before. The shard is `shardOfQueue(limitKey(…))`. Taking a place again changes nothing. */
export const takePlace = defineContract({
  subject: 'sb.execution.shard.*.take-place',
  request: TakePlaceRequest,
  reply: TakePlaceReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
  identity: 'service',
  shard: true,
});
