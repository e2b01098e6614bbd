import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { ManifestChange } from './apply-workflow.ts';
import { TriggerView } from './trigger-view.ts';

export class ApplyTriggerRequest {
  @Matches(namePattern) name!: string;

  /** Of kind `Trigger`. */
  @Opaque() @IsObject() manifest!: Record<string, unknown>;

  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;

  /** The version last seen; 0: it must not exist yet; absent: whatever is there. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyTriggerReply {
  @IsIn(['created', 'updated', 'unchanged']) action!: 'created' | 'updated' | 'unchanged';
  @IsArray() @ValidateNested({ each: true }) @Type(() => ManifestChange) changes!: ManifestChange[];
  @ValidateNested() @Type(() => TriggerView) resource!: TriggerView;
}

/** Creates a trigger or replaces it; from then on its runs have the caller's rights. */
export const applyTrigger = defineContract({
  subject: 'sb.execution.trigger.apply',
  request: ApplyTriggerRequest,
  reply: ApplyTriggerReply,
  permission: 'schedules:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['not_found', 'conflict', 'limited'],
});
