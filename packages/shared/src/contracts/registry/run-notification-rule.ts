import { IsInt, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class RunNotificationRuleRequest {
  @Matches(namePattern) name!: string;
}

export class RunNotificationRuleReply {
  @Matches(namePattern) name!: string;
  /** Messages that are sent, one to each channel; 0: there is nothing to say. */
  @IsInt() @Min(0) messages!: number;
}

/** Sends the digest or review of a rule now; the next one comes at its time, and tells the same. `conflict` for a rule that waits for events. */
export const runNotificationRule = defineContract({
  subject: 'sb.registry.notification-rule.run',
  request: RunNotificationRuleRequest,
  reply: RunNotificationRuleReply,
  permission: 'notifications:write',
  callers: ['api-gateway'],
  timeoutMs: 15_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
