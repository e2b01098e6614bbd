import { Allow, IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';

export const messageRoles = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export type MessageRole = (typeof messageRoles)[number];
/** One message's content, encoded. What is larger is an artifact. */
export const messageContentMaxBytes = 256 * 1024;

/** A conversation. */
export class Thread {
  @Matches(idPattern('thread')) id!: string;
  @IsOptional() @IsString() title!: string | null;
  @IsObject() labels!: Record<string, string>;
  @IsInt() @Min(0) messages!: number;
  @IsISO8601() createdAt!: string;
  @IsString() createdBy!: string;
  /** Of the thread or its newest message. */
  @IsISO8601() updatedAt!: string;
}

/** One entry of a conversation; it never changes. */
export class Message {
  @Matches(idPattern('message')) id!: string;
  @Matches(idPattern('thread')) thread!: string;
  /** Its place: 1, 2, 3, … without gaps. */
  @IsInt() @Min(1) seq!: number;
  @IsIn(messageRoles) role!: MessageRole;
  /** Text, or parts as the OpenAI API has them. */
  @Allow() @Opaque() content!: unknown;
  /** The agent or person that speaks, where that is not the principal. */
  @IsOptional() @IsString() name!: string | null;
  @IsOptional() @IsString() run!: string | null;
  @IsISO8601() createdAt!: string;
  @IsString() createdBy!: string;
}
