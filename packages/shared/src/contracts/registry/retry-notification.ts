import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Notification } from './notification.ts';

export class RetryNotificationRequest {
  @Matches(idPattern('ntf')) id!: string;
}

export class RetryNotificationReply extends Notification {}

/** Sends a notification that was given up again, under its own identifier. `conflict` for one that was sent or waits. */
export const retryNotification = defineContract({
  subject: 'sb.registry.notification.retry',
  request: RetryNotificationRequest,
  reply: RetryNotificationReply,
  permission: 'notifications:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
