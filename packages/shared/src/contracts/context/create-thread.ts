import { IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Thread } from './thread.ts';

export class CreateThreadRequest {
  @IsOptional() @IsString() @MaxLength(200) title?: string;
  /** At most 32, of at most 63 and 255 characters. */
  @IsOptional() @IsObject() labels?: Record<string, string>;
  /** The same key again by the same principal gives the same thread; with another request, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class CreateThreadReply extends Thread {}

/** Begins a conversation. */
export const createThread = defineContract({
  subject: 'sb.context.thread.create',
  request: CreateThreadRequest,
  reply: CreateThreadReply,
  permission: 'threads:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 16_384,
  idempotent: false,
  errors: ['conflict'],
});
