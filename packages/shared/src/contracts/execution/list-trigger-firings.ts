import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { FiringView, firingOutcomes, type FiringOutcome } from './schedule-view.ts';

export class ListTriggerFiringsRequest extends PageRequest {
  @Matches(namePattern) name!: string;
  @IsOptional() @IsIn(firingOutcomes) outcome?: FiringOutcome;
}

export class ListTriggerFiringsReply {
  @Opaque() @IsArray() @Type(() => FiringView) data!: FiringView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** What a trigger was called for and what it started, the newest first. The last 500 are kept. */
export const listTriggerFirings = defineContract({
  subject: 'sb.execution.trigger.list-firings',
  request: ListTriggerFiringsRequest,
  reply: ListTriggerFiringsReply,
  permission: 'schedules:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
