import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Notification, notificationStatuses, type NotificationStatus } from './notification.ts';

export class ListNotificationsRequest extends PageRequest {
  @IsOptional() @IsIn(notificationStatuses) status?: NotificationStatus;
  @IsOptional() @Matches(namePattern) channel?: string;
  @IsOptional() @Matches(namePattern) rule?: string;
}

export class ListNotificationsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Notification) data!: Notification[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** What was sent, waits, or was given up, the newest first; `q` looks into titles. */
export const listNotifications = defineContract({
  subject: 'sb.registry.notification.list',
  request: ListNotificationsRequest,
  reply: ListNotificationsReply,
  permission: 'notifications:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
