import { ArrayMaxSize, IsArray, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { taskPattern } from '../execution/task-id.ts';

export class GetTaskStatusRequest {
  @IsArray() @ArrayMaxSize(1_000) @Matches(taskPattern, { each: true }) tasks!: string[];
}

export class GetTaskStatusReply {
  /** The process that answers: another may run what is not in `running`, and beats for it. */
  @IsString() instance!: string;
  /** Those that are worked on here, or whose result is not acknowledged yet. What a crash took is not among them. */
  @IsArray() @IsString({ each: true }) running!: string[];
}

/** Still running? Asked by a new owner of a shard. */
export const getTaskStatus = defineContract({
  subject: 'sb.protocol.task.status',
  request: GetTaskStatusRequest,
  reply: GetTaskStatusReply,
  permission: 'none',
  callers: ['execution'],
  timeoutMs: 2_000,
  maxBytes: 131_072,
  idempotent: true,
  identity: 'service',
});
