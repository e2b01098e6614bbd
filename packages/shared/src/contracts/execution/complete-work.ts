import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { TaskResult } from './failure.ts';
import { LeasedTask } from './lease-tasks.ts';
import { taskPattern } from './task-id.ts';

/** What a worker says of a task that it ends. */
export class EndedWork extends TaskResult {
  @Matches(taskPattern) task!: string;
  @IsString() @MaxLength(128) instance!: string;
}

export class CompleteWorkRequest extends EndedWork {
  /** The session in which its worker asks for tasks (see `leaseTasks`): the answer may bring the next task of the same run. */
  @IsOptional() @IsUUID() session?: string;
}

export class CompleteWorkReply {
  /** As those of a lease, except that the session's next question for tasks does not say that they have come. Absent: none. */
  @IsOptional() @Opaque() @IsArray() @Type(() => LeasedTask) tasks?: LeasedTask[];
}

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
