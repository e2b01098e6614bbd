import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteNotificationRuleRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteNotificationRuleReply {
  @Matches(namePattern) name!: string;
}

/** Takes a notification rule away; what it has made already is still sent. */
export const deleteNotificationRule = defineContract({
  subject: 'sb.registry.notification-rule.delete',
  request: DeleteNotificationRuleRequest,
  reply: DeleteNotificationRuleReply,
  permission: 'notifications:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found'],
});
