import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { severities, type Severity } from './incident.ts';
import { notificationKinds, type NotificationKind } from './notification-rule.ts';

export const notificationStatuses = ['waiting', 'sent', 'dead'] as const;
/** `waiting`: gathers, waits for the end of quiet hours, or for its next attempt; `dead`: given up, `failure` says why. */
export type NotificationStatus = (typeof notificationStatuses)[number];

/** One message to one channel: an event, several of a group, a digest or a review. */
export class Notification {
  @Matches(idPattern('ntf')) id!: string;
  @Matches(namePattern) rule!: string;
  @Matches(namePattern) channel!: string;
  @IsIn(notificationKinds) kind!: NotificationKind;
  @IsString() title!: string;
  @IsIn(severities) severity!: Severity;
  /** How many events it holds; 1 for a digest or review. */
  @IsInt() @Min(1) events!: number;
  @IsIn(notificationStatuses) status!: NotificationStatus;
  @IsInt() @Min(0) attempts!: number;
  /** Why the last attempt failed. */
  @IsOptional() @IsString() failure!: string | null;
  /** When it is sent, or tried again; null when it has ended. */
  @IsOptional() @IsISO8601() nextAt!: string | null;
  @IsISO8601() createdAt!: string;
  /** When it was sent or given up. */
  @IsOptional() @IsISO8601() endedAt!: string | null;
}
