import { IsInt, IsOptional, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteMcpServerRequest {
  @Matches(namePattern) name!: string;
  /** The version last seen; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(1) expectedVersion?: number;
}

export class DeleteMcpServerReply {
  @Matches(namePattern) name!: string;
}

/** Stops an MCP server and forgets it, its tools and their pins. Answers when its process is gone. */
export const deleteMcpServer = defineContract({
  subject: 'sb.mcp-server.server.delete',
  request: DeleteMcpServerRequest,
  reply: DeleteMcpServerReply,
  permission: 'mcp-servers:write',
  callers: ['api-gateway'],
  timeoutMs: 15_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
