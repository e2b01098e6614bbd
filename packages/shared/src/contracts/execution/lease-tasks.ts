import { Type } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { agentQueueKey, shardOfQueue } from './queue-key.ts';
import type { Handover } from './handover.ts';
import { taskPattern } from './task-id.ts';
import { Opaque } from '../../bus/opaque.ts';

export class LeaseTasksRequest {
  @Matches(namePattern) agent!: string;

  /** The worker's own name for itself, the same for as long as it lives. */
  @IsString() @MaxLength(128) instance!: string;

  /** How many tasks it can take now: the answer has at most as many. */
  @IsInt() @Min(1) @Max(256) credit!: number;

  /** How long to wait for the first task before answering with none. */
  @IsInt() @Min(0) @Max(60_000) waitMs!: number;

  /**
   * Who asks on the worker's behalf, changed whenever answers may have been lost: what the instance was offered in an earlier session and has not
   * accepted is offered again at once. A session that another has followed is refused by `conflict`.
   */
  @IsOptional() @IsUUID() session?: string;

  /** The skills it has; all of the agent's if absent. */
  @IsOptional() @IsArray() @ArrayMaxSize(256) @IsString({ each: true }) @MaxLength(128, { each: true }) skills?: string[];

  /** The version of the agent that it runs; absent: it is taken to run the current one. */
  @IsOptional() @IsInt() @Min(1) version?: number;
}

export class LeasedTask {
  @Matches(taskPattern) task!: string;
  @IsInt() attempt!: number;
  @Matches(idPattern('run')) run!: string;
  /** The step's key, `analyse[3]` for an item. */
  @IsString() step!: string;
  @IsOptional() @IsString() skill!: string | null;
  @Opaque() @Allow() input!: unknown;
  /** Epoch milliseconds by which it must be completed. */
  @IsInt() deadline!: number;
  /** The same for every attempt of this step. */
  @IsString() idempotencyKey!: string;
  /**
   * It may begin without asking by `accept-work`: it was accepted before and the answer may never have come, or another attempt could follow it if nothing
   * were heard of it. The session's next question for tasks, a beat or the result says that it has come.
   */
  @IsBoolean() isAccepted!: boolean;
  /** W3C Trace Context of its attempt, where traces are recorded: what the worker does belongs below it. */
  @IsOptional() @IsString() traceparent?: string;
  /** Another agent had it before: what is known of its attempts. */
  @IsOptional() @Opaque() @IsObject() handover?: Handover;
  /** The call is mirrored to this version, to compare it: nothing may come of it but its answer. */
  @IsOptional() @IsBoolean() isMirror?: boolean;
}

export class LeaseTasksReply {
  @Opaque() @IsArray() @Type(() => LeasedTask) tasks!: LeasedTask[];
  /** Tasks of this instance that are to be stopped. */
  @IsArray() @IsString({ each: true }) cancelled!: string[];
}

/**
 * Asks for tasks of an agent, as its worker: answered as soon as there is one. A task so leased must be accepted within a few seconds (unless it
 * `isAccepted`), else it is given to another.
 */
export const leaseTasks = defineContract({
  subject: 'sb.execution.task.lease',
  request: LeaseTasksRequest,
  reply: LeaseTasksReply,
  permission: 'tasks:work',
  callers: ['api-gateway'],
  timeoutMs: 65_000,
  maxBytes: 65_536,
  idempotent: false,
  errors: ['not_found', 'limited', 'conflict'],
  shardOf: ({ agent }, { workspace }) => shardOfQueue(agentQueueKey(workspace, agent)),
});
