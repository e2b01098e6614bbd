import { IsArray, IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';

export const channelTypes = ['slack', 'teams', 'email', 'webhook'] as const;
/** `slack`, `teams`: incoming webhooks; `email`: by SMTP; `webhook`: Standard Webhooks. */
export type ChannelType = (typeof channelTypes)[number];

export const channelStates = ['active', 'paused'] as const;
/** `paused`: the receiver said that it is gone; nothing is sent until the channel is applied or tested again. */
export type ChannelState = (typeof channelStates)[number];

/** Where notifications go. Where that is, and by which credentials, stands in secrets alone. */
export class Channel {
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsIn(channelTypes) type!: ChannelType;
  /** Names of the secrets that it needs. */
  @IsArray() @IsString({ each: true }) secrets!: string[];
  @IsIn(channelStates) state!: ChannelState;
  @IsOptional() @IsString() stateReason!: string | null;
  /** Whose rights read the secrets: who applied it last. */
  @IsString() appliedBy!: string;
  @IsOptional() @IsISO8601() lastSentAt!: string | null;
  /** Why the last attempt failed; null when it did not. */
  @IsOptional() @IsString() lastFailure!: string | null;
  /** Counts the changes of the manifest; the ETag that `If-Match` takes. */
  @IsInt() @Min(1) version!: number;
  @IsISO8601() updatedAt!: string;
}
