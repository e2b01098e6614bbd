import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';

export class RunScheduleRequest {
  @Matches(namePattern) name!: string;

  /** The same key again within 24 h gives the same run. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class RunScheduleReply extends RunView {}

/** Starts what a schedule starts, now and with the caller's own rights, whatever its overlap policy says and also while it is paused. */
export const runSchedule = defineContract({
  subject: 'sb.execution.schedule.run',
  request: RunScheduleRequest,
  reply: RunScheduleReply,
  permission: 'runs:write',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 2_048,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
});
