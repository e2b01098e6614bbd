import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { ScheduleView } from './schedule-view.ts';

export class ResumeScheduleRequest {
  @Matches(namePattern) name!: string;
}

export class ResumeScheduleReply extends ScheduleView {}

/** Lets a paused schedule go on with its next time from now. */
export const resumeSchedule = defineContract({
  subject: 'sb.execution.schedule.resume',
  request: ResumeScheduleRequest,
  reply: ResumeScheduleReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
