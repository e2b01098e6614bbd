import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Message, messageRoles, type MessageRole } from './thread.ts';

export class AppendMessageRequest {
  @Matches(idPattern('thread')) thread!: string;
  @IsIn(messageRoles) role!: MessageRole;
  /** Any JSON value, at most 256 KiB encoded. */
  @IsOptional() @Opaque() content: unknown;
  @IsOptional() @IsString() @MaxLength(128) name?: string;
  @IsOptional() @Matches(idPattern('run')) run?: string;
  /** The same key again in this thread gives the same message; with another content, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class AppendMessageReply extends Message {}

/** Adds a message at the end of a conversation: each gets the next number. */
export const appendMessage = defineContract({
  subject: 'sb.context.message.append',
  request: AppendMessageRequest,
  reply: AppendMessageReply,
  permission: 'threads:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
