import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Thread } from './thread.ts';

export class ListThreadsRequest extends PageRequest {}

export class ListThreadsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Thread) data!: Thread[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Conversations, the newest first; `q` is a part of the title. */
export const listThreads = defineContract({
  subject: 'sb.context.thread.list',
  request: ListThreadsRequest,
  reply: ListThreadsReply,
  permission: 'threads:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
