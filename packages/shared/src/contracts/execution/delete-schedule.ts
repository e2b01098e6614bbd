import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteScheduleRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteScheduleReply {}

/** Takes a schedule and its history away. Its runs go on and stay. */
export const deleteSchedule = defineContract({
  subject: 'sb.execution.schedule.delete',
  request: DeleteScheduleRequest,
  reply: DeleteScheduleReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
