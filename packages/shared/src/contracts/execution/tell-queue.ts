import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import type { Handover } from './handover.ts';
import { placePattern } from './task-id.ts';

/** All that the owner of a queue needs to give a task out. */
export class QueueOffer {
  @IsUUID() workspace!: string;
  /** The right to act for who started the run. */
  @IsString() @MaxLength(512) grant!: string;
  @IsIn(['agent', 'tool', 'artifact', 'state', 'model']) kind!: 'agent' | 'tool' | 'artifact' | 'state' | 'model';
  @IsString() @MaxLength(256) target!: string;
  @IsOptional() @IsString() @MaxLength(128) skill?: string;
  /** The version of the agent that is to do it; absent: any. */
  @IsOptional() @IsInt() @Min(1) version?: number;
  /** The step's key, `analyse[3]` for an item. */
  @IsString() @MaxLength(128) step!: string;
  @IsOptional() @Opaque() input?: unknown;
  @IsInt() @Min(0) timeoutMs!: number;
  /** Once it was handed over, it is to be accepted within this. */
  @IsOptional() @IsInt() @Min(0) startMs?: number;
  @IsString() @MaxLength(255) idempotencyKey!: string;
  /** From 1 (goes first) to 5; 3 if absent. */
  @IsOptional() @IsInt() @Min(1) @Max(5) priority?: number;
  /** W3C Trace Context of its attempt, where traces are recorded. */
  @IsOptional() @IsString() @MaxLength(64) traceparent?: string;
  /** Another agent had it before: what is known of its attempts. */
  @IsOptional() @Opaque() @IsObject() handover?: Handover;
  /** Of its run, where there are some: rollouts may choose by them. */
  @IsOptional() @Opaque() @IsObject() labels?: Record<string, string>;
  /** It is a call that is mirrored: it takes no place of others. */
  @IsOptional() @IsBoolean() isMirror?: boolean;
}

/** So many in a time of `perMs`, of which `burst` at once. */
export class LimitRate {
  @IsInt() @Min(1) max!: number;
  @IsInt() @Min(1) perMs!: number;
  @IsInt() @Min(1) burst!: number;
}

/** A place of a limit that an attempt needs before it is queued, or a run before it begins, or that it has. */
export class PlaceClaim {
  @IsUUID() workspace!: string;
  /** `runs/<name>` of a limit of runs. */
  @IsString() @MaxLength(68) name!: string;
  @IsString() @MaxLength(255) key!: string;
  @IsOptional() @IsInt() @Min(1) concurrency?: number;
  @IsOptional() @ValidateNested() @Type(() => LimitRate) rate?: LimitRate;
  /** A run that ends for newer ones, where there are more than places; the oldest first. */
  @IsOptional() @IsBoolean() replaces?: boolean;
  @IsInt() @Min(1) @Max(5) priority!: number;
  /** The step's key, `analyse[3]` for an item; empty for a run as a whole. */
  @IsString() @MaxLength(128) step!: string;
  /** Since when it waits, in milliseconds since 1970; of a run when it was made. */
  @IsInt() since!: number;
}

/**
 * What the owner of a run says of one task. `offer`: it waits for a place; with `instance` that executor works on it already. `began`: it was
 * accepted. `left`: it has ended, or nobody wants it any more (`isCancelled`: its executor is to stop). Of a limit: `ask`, it waits for a place of
 * `claim`; `held`, it has that place; `free`, it does not need it any more.
 */
export class QueueWord {
  @IsIn(['offer', 'began', 'left', 'ask', 'held', 'free']) type!: 'offer' | 'began' | 'left' | 'ask' | 'held' | 'free';
  /** Of a limit also a run as a whole. */
  @Matches(placePattern) task!: string;
  @IsOptional() @ValidateNested() @Type(() => QueueOffer) offer?: QueueOffer;
  @IsOptional() @IsString() @MaxLength(128) instance?: string;
  @IsOptional() @IsBoolean() isCancelled?: boolean;
  @IsOptional() @ValidateNested() @Type(() => PlaceClaim) claim?: PlaceClaim;
}

export class TellQueueRequest {
  /** In the order in which it happened. */
  @IsArray() @ArrayMaxSize(256) @ValidateNested({ each: true }) @Type(() => QueueWord) words!: QueueWord[];
}

export class TellQueueReply {}

/** The owner of runs tells the owner of a queue or limit of its tasks there. The shard is `shardOfQueue(key)`. Each word may be said again. */
export const tellQueue = defineContract({
  subject: 'sb.execution.shard.*.tell-queue',
  request: TellQueueRequest,
  reply: TellQueueReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 3_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  identity: 'service',
  shard: true,
});
