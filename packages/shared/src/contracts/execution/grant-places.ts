import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { placePattern } from './task-id.ts';

/** A place that a task, or a run as a whole, has been given, or is to leave. */
export class PlaceGrant {
  @Matches(placePattern) task!: string;
  /** `limitKey` of what it is a place of. */
  @IsString() @MaxLength(512) limit!: string;
  /** It has none, and is to end: a newer run has its place. */
  @IsOptional() @IsBoolean() isReplaced?: boolean;
}

export class GrantPlacesRequest {
  @IsArray() @ArrayMaxSize(256) @ValidateNested({ each: true }) @Type(() => PlaceGrant) places!: PlaceGrant[];
}

export class GrantPlacesReply {}

/** The keeper of limits tells the owner of runs which of its tasks have a place now, and which runs are to end for newer ones. The shard is `shardOfPlace(task)`. May be said again. */
export const grantPlaces = defineContract({
  subject: 'sb.execution.shard.*.grant-places',
  request: GrantPlacesRequest,
  reply: GrantPlacesReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 3_000,
  maxBytes: 262_144,
  idempotent: true,
  identity: 'service',
  shard: true,
});
