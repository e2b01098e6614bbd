import { IsObject } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';

export class GetMcpServerSchemaRequest {}

export class GetMcpServerSchemaReply {
  @IsObject() @Opaque() schema!: Record<string, unknown>;
}

/** The JSON Schema (draft 2020-12) that manifests of kind McpServer are checked against. */
export const getMcpServerSchema = defineContract({
  subject: 'sb.mcp-server.schema.get',
  request: GetMcpServerSchemaRequest,
  reply: GetMcpServerSchemaReply,
  permission: 'mcp-servers:read',
  callers: ['api-gateway'],
  timeoutMs: 1_000,
  maxBytes: 256,
  idempotent: true,
});
