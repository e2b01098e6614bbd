import { Allow, ArrayMaxSize, IsArray, IsNumber, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { taskPattern } from './task-id.ts';

export class BeatWorkRequest {
  @IsString() @MaxLength(128) instance!: string;

  /** Tasks that it works on, all of this shard. */
  @IsArray() @ArrayMaxSize(256) @Matches(taskPattern, { each: true }) tasks!: string[];

  /** What the first of `tasks` is at, for people who follow the run. */
  @IsOptional() @IsString() @MaxLength(2_048) message?: string;

  /** How much of it is done. */
  @IsOptional() @IsNumber() @Min(0) @Max(1) fraction?: number;

  /** What it has so far, any JSON of at most 16 KiB: given to the agent that may have to go on with it. */
  @IsOptional() @Opaque() @Allow() partial?: unknown;
}

export class BeatWorkReply {
  /** Those of `tasks` that nobody wants any more: stop them. */
  @IsArray() @IsString({ each: true }) cancelled!: string[];
}

/** A worker says that it still works on its tasks. Without it for three heartbeats, their attempts fail. */
export const beatWork = defineContract({
  subject: 'sb.execution.shard.*.beat-work',
  request: BeatWorkRequest,
  reply: BeatWorkReply,
  permission: 'tasks:work',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 65_536,
  idempotent: true,
  shard: true,
});
