import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { NotificationRule } from './notification-rule.ts';

export class GetNotificationRuleRequest {
  @Matches(namePattern) name!: string;
}

export class GetNotificationRuleReply extends NotificationRule {
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One notification rule with its manifest. */
export const getNotificationRule = defineContract({
  subject: 'sb.registry.notification-rule.get',
  request: GetNotificationRuleRequest,
  reply: GetNotificationRuleReply,
  permission: 'notifications:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
