import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Tool } from './tool.ts';

export class ListToolsRequest extends PageRequest {
  /** Only tools of this server. */
  @IsOptional() @Matches(namePattern) server?: string;

  /** Also the definitions word for word, as the servers gave them. */
  @IsOptional() @IsBoolean() verbatim?: boolean;
}

export class ListedTool extends Tool {
  /** With `verbatim`: all that the server said of it, unknown fields too. */
  @IsOptional() @IsObject() definition?: Record<string, unknown>;
}

export class ListToolsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => ListedTool) data!: ListedTool[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/**
 * Tools in order of server and name, also of servers that are down just now; `q` looks into name, title and description. A page ends early
 * where its definitions are long. `not_found`: there is no such `server`.
 */
export const listTools = defineContract({
  subject: 'sb.mcp-server.tool.list',
  request: ListToolsRequest,
  reply: ListToolsReply,
  permission: 'tools:read',
  callers: ['api-gateway', 'registry', 'protocol', 'execution'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
