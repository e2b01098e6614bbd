import { IsArray, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class PreviewScheduleRequest {
  /** Five fields or `@daily` and the like; or `every`. */
  @IsOptional() @IsString() @MaxLength(200) cron?: string;
  /** As `15m`. */
  @IsOptional() @IsString() @MaxLength(20) every?: string;
  /** IANA; UTC if absent. */
  @IsOptional() @IsString() @MaxLength(64) timeZone?: string;
  /** ISO 8601; no time before it. */
  @IsOptional() @IsString() @MaxLength(40) start?: string;
  /** ISO 8601; no time after it. */
  @IsOptional() @IsString() @MaxLength(40) end?: string;
  /** So many times, 5 if absent. */
  @IsOptional() @IsInt() @Min(1) @Max(100) count?: number;
}

export class PreviewScheduleReply {
  /** ISO 8601, in order; fewer than asked for when the schedule ends. */
  @IsArray() @IsString({ each: true }) times!: string[];
}

/** The next times of a schedule that need not exist yet. `invalid` names the field that is wrong. */
export const previewSchedule = defineContract({
  subject: 'sb.execution.schedule.preview',
  request: PreviewScheduleRequest,
  reply: PreviewScheduleReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 2_048,
  idempotent: true,
});
