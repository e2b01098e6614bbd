import { ArrayMaxSize, IsArray, IsNumber, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { taskPattern } from './task-id.ts';

export class BeatTasksRequest {
  /** Tasks that it works on, all of this shard. */
  @IsArray() @ArrayMaxSize(1_000) @Matches(taskPattern, { each: true }) tasks!: string[];

  /** What the first of `tasks` is at, for people who follow the run. */
  @IsOptional() @IsString() @MaxLength(2_048) message?: string;

  /** How much of it is done. */
  @IsOptional() @IsNumber() @Min(0) @Max(1) fraction?: number;
}

export class BeatTasksReply {
  /** Those of `tasks` that nobody wants any more: stop them. */
  @IsArray() @IsString({ each: true }) cancelled!: string[];
}

/** A service says, every 5 s, that it still works on its tasks. Without it for three of these, their attempts fail. */
export const beatTasks = defineContract({
  subject: 'sb.execution.shard.*.beat-tasks',
  request: BeatTasksRequest,
  reply: BeatTasksReply,
  permission: 'none',
  callers: ['protocol'],
  timeoutMs: 5_000,
  maxBytes: 131_072,
  idempotent: true,
  identity: 'service',
  shard: true,
});
