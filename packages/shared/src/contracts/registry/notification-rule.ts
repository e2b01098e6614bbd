import { IsArray, IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';

export const notificationKinds = ['events', 'digest', 'review'] as const;
/** `events`: as they happen; `digest`: what happened, once a day; `review`: agents that changed since somebody signed them off. */
export type NotificationKind = (typeof notificationKinds)[number];

/** What is told to which channels, and when. */
export class NotificationRule {
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsIn(notificationKinds) kind!: NotificationKind;
  @IsArray() @IsString({ each: true }) channels!: string[];
  /** With `events`: which. */
  @IsArray() @IsString({ each: true }) events!: string[];
  /** When the next digest or review is due; null where it waits for events. */
  @IsOptional() @IsISO8601() nextAt!: string | null;
  @IsString() appliedBy!: string;
  /** Counts the changes of the manifest; the ETag that `If-Match` takes. */
  @IsInt() @Min(1) version!: number;
  @IsISO8601() updatedAt!: string;
}
