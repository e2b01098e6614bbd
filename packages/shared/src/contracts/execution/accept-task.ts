import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { taskPattern } from './task-id.ts';

export class AcceptTaskRequest {
  @Matches(taskPattern) task!: string;

  /** The executing process's own name for itself. */
  @IsOptional() @IsString() @MaxLength(128) instance?: string;
}

export class AcceptTaskReply {}

/**
 * A service that was handed a task (`sb.protocol.agent.start-task`) asks whether to begin: only after this answer it may. `conflict` when
 * the task is no longer wanted. The shard is `shardOfTask(task)`.
 */
export const acceptTask = defineContract({
  subject: 'sb.execution.shard.*.accept-task',
  request: AcceptTaskRequest,
  reply: AcceptTaskReply,
  permission: 'none',
  callers: ['protocol'],
  timeoutMs: 5_000,
  maxBytes: 2_048,
  idempotent: true,
  identity: 'service',
  errors: ['conflict', 'not_found'],
  shard: true,
});
