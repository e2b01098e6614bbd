import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { ScheduleView } from './schedule-view.ts';

export class PauseScheduleRequest {
  @Matches(namePattern) name!: string;

  /** Why, for those who find it paused. */
  @IsOptional() @IsString() @MaxLength(500) reason?: string;
}

export class PauseScheduleReply extends ScheduleView {}

/** Starts nothing more until it is resumed; times that pass meanwhile are not caught up. Its runs go on. */
export const pauseSchedule = defineContract({
  subject: 'sb.execution.schedule.pause',
  request: PauseScheduleRequest,
  reply: PauseScheduleReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
