import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { placePattern } from './task-id.ts';
import { causeKinds, PlaceHolder, type CauseKind } from './why-run.ts';

export class WhyQueuedRequest {
  /** Of a limit also a run as a whole. */
  @Matches(placePattern) task!: string;
  /** The limit that it waits for a place of (`limitKey`), where it is not yet in its queue. */
  @IsOptional() @IsString() @MaxLength(512) limit?: string;
}

/** What keeps a task from beginning, as its queue's owner knows it. */
export class WhyQueuedReply {
  @IsIn(causeKinds) kind!: CauseKind;
  @IsString() on!: string;
  @IsString() because!: string;
  @IsOptional() @IsString() next!: string | null;
  /** When it is over by itself at the latest, ISO 8601. */
  @IsOptional() @IsString() until?: string | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => PlaceHolder) holders!: PlaceHolder[];
}

/** The owner of a run asks the owner of a queue why a task there waits. The shard is `shardOfQueue(key)`. `not_found`: it does not wait there. */
export const whyQueued = defineContract({
  subject: 'sb.execution.shard.*.why-queued',
  request: WhyQueuedRequest,
  reply: WhyQueuedReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 1_000,
  maxBytes: 2_048,
  idempotent: true,
  identity: 'service',
  shard: true,
  errors: ['not_found'],
});
