import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { NotificationRule } from './notification-rule.ts';

export class ListNotificationRulesRequest extends PageRequest {}

export class ListNotificationRulesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => NotificationRule) data!: NotificationRule[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Notification rules in order of their names; `q` looks into name and description. */
export const listNotificationRules = defineContract({
  subject: 'sb.registry.notification-rule.list',
  request: ListNotificationRulesRequest,
  reply: ListNotificationRulesReply,
  permission: 'notifications:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
