import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';
import { Message } from './thread.ts';

export class ListMessagesRequest extends PageRequest {
  @Matches(idPattern('thread')) thread!: string;
  /** `asc` (default): the first message first. */
  @IsOptional() @IsIn(['asc', 'desc']) order?: 'asc' | 'desc';
}

export class ListMessagesReply {
  /** Fewer than `limit` where they are large: the cursor goes on. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => Message) data!: Message[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The messages of a conversation in their order. */
export const listMessages = defineContract({
  subject: 'sb.context.message.list',
  request: ListMessagesRequest,
  reply: ListMessagesReply,
  permission: 'threads:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
