import { ArrayMaxSize, IsArray, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { taskPattern } from '../execution/task-id.ts';

export class CancelTasksRequest {
  @IsArray() @ArrayMaxSize(1_000) @Matches(taskPattern, { each: true }) tasks!: string[];
}

export class CancelTasksReply {
  /** Those that ran here and are being stopped. */
  @IsArray() @IsString({ each: true }) stopped!: string[];
}

/** Stops tasks at once; without it they are stopped by the answer to their next beat. */
export const cancelTasks = defineContract({
  subject: 'sb.protocol.task.cancel',
  request: CancelTasksRequest,
  reply: CancelTasksReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 2_000,
  maxBytes: 131_072,
  idempotent: true,
  identity: 'service',
});
