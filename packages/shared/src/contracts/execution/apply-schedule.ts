import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { ManifestChange } from './apply-workflow.ts';
import { ScheduleView } from './schedule-view.ts';

export class ApplyScheduleRequest {
  @Matches(namePattern) name!: string;

  /** Of kind `Schedule`. */
  @Opaque() @IsObject() manifest!: Record<string, unknown>;

  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;

  /** The version last seen; 0: it must not exist yet; absent: whatever is there. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyScheduleReply {
  @IsIn(['created', 'updated', 'unchanged']) action!: 'created' | 'updated' | 'unchanged';
  @IsArray() @ValidateNested({ each: true }) @Type(() => ManifestChange) changes!: ManifestChange[];
  @ValidateNested() @Type(() => ScheduleView) resource!: ScheduleView;
}

/** Creates a schedule or replaces it; from then on its runs have the caller's rights. */
export const applySchedule = defineContract({
  subject: 'sb.execution.schedule.apply',
  request: ApplyScheduleRequest,
  reply: ApplyScheduleReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['not_found', 'conflict', 'limited'],
});
