import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { FiringView, firingOutcomes, type FiringOutcome } from './schedule-view.ts';

export class ListScheduleFiringsRequest extends PageRequest {
  @Matches(namePattern) name!: string;
  @IsOptional() @IsIn(firingOutcomes) outcome?: FiringOutcome;
}

export class ListScheduleFiringsReply {
  @Opaque() @IsArray() @Type(() => FiringView) data!: FiringView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** What a schedule started, skipped and failed to start, the newest first. The last 500 are kept. */
export const listScheduleFirings = defineContract({
  subject: 'sb.execution.schedule.list-firings',
  request: ListScheduleFiringsRequest,
  reply: ListScheduleFiringsReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
