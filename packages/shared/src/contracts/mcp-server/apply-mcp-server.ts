import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from '../registry/apply-reply.ts';
import { McpServer } from './mcp-server.ts';

export class ApplyMcpServerRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;

  /** The whole manifest; the published JSON Schema says what is in it. */
  @IsObject() @Opaque() manifest!: Record<string, unknown>;

  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;

  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyMcpServerReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  /** The server after the change, or as it would be. It is started in the background. */
  @ValidateNested() @Type(() => McpServer) resource!: McpServer;
}

/**
 * Creates an MCP server or replaces its manifest; the same manifest again changes nothing. Naming a command (transport `stdio`) also needs
 * `commands:write`. `conflict` when `expectedVersion` is not the current one.
 */
export const applyMcpServer = defineContract({
  subject: 'sb.mcp-server.server.apply',
  request: ApplyMcpServerRequest,
  reply: ApplyMcpServerReply,
  permission: 'mcp-servers:write',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 131_072,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
