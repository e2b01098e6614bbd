import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { ScheduleView, scheduleStates, type ScheduleState } from './schedule-view.ts';

export class ListSchedulesRequest extends PageRequest {
  @IsOptional() @IsString() @MaxLength(63) workflow?: string;
  @IsOptional() @IsIn(scheduleStates) state?: ScheduleState;
}

export class ListSchedulesReply {
  @Opaque() @IsArray() @Type(() => ScheduleView) data!: ScheduleView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Schedules in the order of their names. */
export const listSchedules = defineContract({
  subject: 'sb.execution.schedule.list',
  request: ListSchedulesRequest,
  reply: ListSchedulesReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
