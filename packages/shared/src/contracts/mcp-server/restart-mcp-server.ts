import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { McpServer } from './mcp-server.ts';

export class RestartMcpServerRequest {
  @Matches(namePattern) name!: string;
}

export class RestartMcpServerReply extends McpServer {}

/** Stops an MCP server and starts it anew, also one that was given up. Answers when it is ready again, or cannot be made so. */
export const restartMcpServer = defineContract({
  subject: 'sb.mcp-server.server.restart',
  request: RestartMcpServerRequest,
  reply: RestartMcpServerReply,
  permission: 'mcp-servers:write',
  callers: ['api-gateway'],
  timeoutMs: 60_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
