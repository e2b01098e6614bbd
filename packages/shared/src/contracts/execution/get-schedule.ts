import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { ScheduleDetail } from './schedule-view.ts';

export class GetScheduleRequest {
  @Matches(namePattern) name!: string;
}

export class GetScheduleReply extends ScheduleDetail {}

/** One schedule with its manifest. */
export const getSchedule = defineContract({
  subject: 'sb.execution.schedule.get',
  request: GetScheduleRequest,
  reply: GetScheduleReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
