import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { McpServer, mcpServerStatuses, mcpTransports, type McpServerStatus, type McpTransport } from './mcp-server.ts';

export class ListMcpServersRequest extends PageRequest {
  @IsOptional() @IsIn(mcpServerStatuses) status?: McpServerStatus;
  @IsOptional() @IsIn(mcpTransports) transport?: McpTransport;
}

export class ListMcpServersReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => McpServer) data!: McpServer[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** MCP servers in order of their names; `q` looks into name and description. */
export const listMcpServers = defineContract({
  subject: 'sb.mcp-server.server.list',
  request: ListMcpServersRequest,
  reply: ListMcpServersReply,
  permission: 'mcp-servers:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
