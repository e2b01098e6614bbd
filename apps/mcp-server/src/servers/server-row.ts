import type { Containment, McpServer, McpServerStatus, McpTransport } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { McpServerManifest } from '../manifests/manifest.ts';

/** A row of `mcp_server`, with the number of its tools. */
export interface ServerRow {
  workspace: string;
  name: string;
  id: string;
  manifest: McpServerManifest;
  transport: McpTransport;
  version: number;
  hash: string;
  status: McpServerStatus;
  status_reason: string | null;
  containment: Containment | null;
  restarts: number;
  next_attempt_at: Date | null;
  ready_since: Date | null;
  server_info: Record<string, unknown> | null;
  /** By which its secrets are read. */
  bearer: string | null;
  tools: number;
  created_at: Date;
  updated_at: Date;
}

/** The server as lists show it. */
export function serverView(row: ServerRow): McpServer {
  const { metadata } = row.manifest;
  return {
    id: fromUuid('mcp', row.id),
    name: row.name,
    description: metadata.description ?? '',
    labels: metadata.labels ?? {},
    transport: row.transport,
    status: row.status,
    ...(row.status_reason !== null && { statusReason: row.status_reason }),
    ...(row.containment !== null && { containment: row.containment }),
    tools: row.tools,
    restarts: row.restarts,
    ...(row.next_attempt_at !== null && { nextAttemptAt: row.next_attempt_at.toISOString() }),
    ...(row.ready_since !== null && { startedAt: row.ready_since.toISOString() }),
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
