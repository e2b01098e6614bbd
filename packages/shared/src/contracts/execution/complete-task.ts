import { IsBoolean, IsOptional, Matches } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { TaskResult } from './failure.ts';
import { taskPattern } from './task-id.ts';

export class CompleteTaskRequest extends TaskResult {
  @Matches(taskPattern) task!: string;
  /** No result: its queue has handed it over, and nobody has accepted it within the step's start timeout. */
  @IsOptional() @IsBoolean() isLate?: boolean;
}

export class CompleteTaskReply {}

/**
 * A service ends a task. The answer comes after the result was committed; without one (or with `unavailable`, `timeout`) the service sends it
 * again, which is answered alike. `conflict` or `not_found`: nobody wants it any more, forget it.
 */
export const completeTask = defineContract({
  subject: 'sb.execution.shard.*.complete-task',
  request: CompleteTaskRequest,
  reply: CompleteTaskReply,
  permission: 'none',
  callers: ['protocol', 'execution'],
  timeoutMs: 10_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  identity: 'service',
  errors: ['conflict', 'not_found'],
  shard: true,
});
