import { IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { taskPattern } from './task-id.ts';

export class AcceptWorkRequest {
  @Matches(taskPattern) task!: string;
  @IsString() @MaxLength(128) instance!: string;
}

export class AcceptWorkReply {}

/** A worker asks whether to begin: only after this answer it may. `conflict` when the task is another's, or no longer wanted. */
export const acceptWork = defineContract({
  subject: 'sb.execution.shard.*.accept-work',
  request: AcceptWorkRequest,
  reply: AcceptWorkReply,
  permission: 'tasks:work',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 2_048,
  idempotent: true,
  errors: ['conflict', 'not_found'],
  shard: true,
});
