import { ArrayMaxSize, IsArray, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { placePattern } from './task-id.ts';

export class AskTasksRequest {
  /** Tasks of runs of this shard, or such runs as a whole. */
  @IsArray() @ArrayMaxSize(1_000) @Matches(placePattern, { each: true }) tasks!: string[];
}

export class AskTasksReply {
  /** Those of `tasks` that nobody wants any more. */
  @IsArray() @IsString({ each: true }) gone!: string[];
}

/** The owner of a queue asks the owner of runs about tasks that it has not heard of for long: a word may be lost with who said it. */
export const askTasks = defineContract({
  subject: 'sb.execution.shard.*.ask-tasks',
  request: AskTasksRequest,
  reply: AskTasksReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 2_000,
  maxBytes: 131_072,
  idempotent: true,
  identity: 'service',
  shard: true,
});
