import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { NotificationRule } from './notification-rule.ts';

export class ApplyNotificationRuleRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyNotificationRuleReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => NotificationRule) resource!: NotificationRule;
}

/** Creates a notification rule or replaces its manifest; what it reads for a digest, it reads as who applied it last. */
export const applyNotificationRule = defineContract({
  subject: 'sb.registry.notification-rule.apply',
  request: ApplyNotificationRuleRequest,
  reply: ApplyNotificationRuleReply,
  permission: 'notifications:write',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 65_536,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
