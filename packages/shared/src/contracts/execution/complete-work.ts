import { IsString, Matches, MaxLength } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { TaskResult } from './failure.ts';
import { taskPattern } from './task-id.ts';

export class CompleteWorkRequest extends TaskResult {
  @Matches(taskPattern) task!: string;
  @IsString() @MaxLength(128) instance!: string;
}

export class CompleteWorkReply {}

/**
 * A worker ends a task. The answer comes after the result was committed; without one the worker sends it again, which is answered alike.
 * `conflict` when another attempt has replaced it or its run has ended: the worker forgets it.
 */
export const completeWork = defineContract({
  subject: 'sb.execution.shard.*.complete-work',
  request: CompleteWorkRequest,
  reply: CompleteWorkReply,
  permission: 'tasks:work',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['conflict', 'not_found'],
  shard: true,
});
