import { IsArray, IsObject, IsOptional, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { McpServer } from './mcp-server.ts';

export class GetMcpServerRequest {
  @Matches(namePattern) name!: string;
}

export class GetMcpServerReply extends McpServer {
  /** The last lines that it wrote beside its messages. */
  @IsArray() @IsString({ each: true }) stderr!: string[];
  /** What it says of itself: `name`, `version`, `protocolVersion`, `instructions`. Null until it answered once. */
  @IsOptional() @IsObject() @Opaque() serverInfo!: Record<string, unknown> | null;
  /** The manifest as it was applied; credentials among its headers and variables are left out. */
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One MCP server with its manifest and what it wrote to its standard error. */
export const getMcpServer = defineContract({
  subject: 'sb.mcp-server.server.get',
  request: GetMcpServerRequest,
  reply: GetMcpServerReply,
  permission: 'mcp-servers:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
