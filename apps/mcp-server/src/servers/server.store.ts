import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { McpServerStatus, McpTransport } from '@signalbox/shared/contracts/mcp-server/mcp-server.js';
import type { EntityManager } from 'typeorm';
import type { McpServerManifest } from '../manifests/manifest.ts';
import type { ServerRow } from './server-row.ts';

const withTools = `SELECT s.*, (SELECT count(*)::int FROM tool AS t WHERE t.workspace = s.workspace AND t.server = s.id) AS tools FROM mcp_server AS s`;

const oneSql = `${withTools} WHERE s.name = $1`;
const allSql = `${withTools} ORDER BY s.created_at`;
const pageSql = `${withTools} WHERE s.name > $1 AND ($2::text IS NULL OR s.status = $2) AND ($3::text IS NULL OR s.transport = $3)
  AND s.search LIKE ALL ($4::text[]) ORDER BY s.name LIMIT $5`;

const keepBearerSql = `UPDATE mcp_server AS s SET bearer = $2 FROM (SELECT id, bearer FROM mcp_server WHERE name = $1) AS b
  WHERE s.id = b.id RETURNING b.bearer AS before`;

export interface ServerQuery {
  status?: McpServerStatus;
  transport?: McpTransport;
  q?: string;
  limit?: number;
  cursor?: string;
}

/** What is kept of a server's state: how it was when last seen. */
export interface KeptState {
  status: McpServerStatus;
  reason: string | null;
  containment: string | null;
  restarts: number;
  nextAttemptAt: number | null;
  readySince: number | null;
  serverInfo: Record<string, unknown> | null;
}

/** Rows of `mcp_server`, in a transaction of one workspace, or of the system where a workspace is given. */
@Injectable()
export class ServerStore {
  async find(tx: EntityManager, name: string): Promise<ServerRow | null> {
    const rows = await tx.query<ServerRow[]>(oneSql, [name]);
    return rows[0] ?? null;
  }

  /** Keeps others from changing it until the transaction ends. */
  async lock(tx: EntityManager, name: string): Promise<ServerRow | null> {
    await tx.query(`SELECT id FROM mcp_server WHERE name = $1 FOR UPDATE`, [name]);
    return this.find(tx, name);
  }

  /** One row more than `limit`, in order of the names. */
  list(tx: EntityManager, { status, transport, q, limit = pageLimitDefault, cursor }: ServerQuery): Promise<ServerRow[]> {
    const [after = ''] = cursor === undefined ? [] : decodeCursor(cursor, 1);
    return tx.query<ServerRow[]>(pageSql, [after, status ?? null, transport ?? null, patternsOf(q), limit + 1]);
  }

  /** Every server of the installation, for the start of the service. */
  all(tx: EntityManager): Promise<ServerRow[]> {
    return tx.query<ServerRow[]>(allSql);
  }

  async count(tx: EntityManager): Promise<number> {
    const rows = await tx.query<{ count: number }[]>(`SELECT count(*)::int AS count FROM mcp_server`);
    return rows[0]!.count;
  }

  /** False when somebody else created it meanwhile. */
  async insert(tx: EntityManager, workspace: string, id: string, manifest: McpServerManifest, hash: string, by: string): Promise<boolean> {
    const rows = await tx.query<unknown[]>(
      `INSERT INTO mcp_server (workspace, name, id, manifest, transport, search, version, hash, status, created_by)
       VALUES ($1, $2, $3, $4, $5, $6, 1, $7, 'starting', $8) ON CONFLICT (workspace, name) DO NOTHING RETURNING id`,
      [workspace, manifest.metadata.name, id, JSON.stringify(manifest), manifest.spec.transport, searchText(manifest), hash, by],
    );
    return rows.length === 1;
  }

  async update(tx: EntityManager, manifest: McpServerManifest, version: number, hash: string): Promise<void> {
    await tx.query(
      `UPDATE mcp_server SET manifest = $2, transport = $3, search = $4, version = $5, hash = $6, updated_at = now() WHERE name = $1`,
      [manifest.metadata.name, JSON.stringify(manifest), manifest.spec.transport, searchText(manifest), version, hash],
    );
  }

  /** Keeps the grant by which its secrets are read from now on; answers with the one before. */
  async keepBearer(tx: EntityManager, name: string, bearer: string | null): Promise<string | null> {
    const [rows] = await tx.query<[{ before: string | null }[], number]>(keepBearerSql, [name, bearer]);
    return rows[0]?.before ?? null;
  }

  async remove(tx: EntityManager, name: string): Promise<void> {
    await tx.query(`DELETE FROM mcp_server WHERE name = $1`, [name]);
  }

  /** The next number of the server's events; null when it was deleted meanwhile. */
  async nextEvent(tx: EntityManager, workspace: string, id: string): Promise<number | null> {
    const [rows] = await tx.query<[{ event_version: string }[], number]>(
      `UPDATE mcp_server SET event_version = event_version + 1 WHERE workspace = $1 AND id = $2 RETURNING event_version`,
      [workspace, id],
    );
    return rows[0] ? Number(rows[0].event_version) : null;
  }

  async keepState(tx: EntityManager, workspace: string, id: string, state: KeptState): Promise<void> {
    await tx.query(
      `UPDATE mcp_server SET status = $3, status_reason = $4, containment = $5, restarts = $6, next_attempt_at = $7, ready_since = $8, server_info = $9
       WHERE workspace = $1 AND id = $2`,
      [
        workspace,
        id,
        state.status,
        state.reason,
        state.containment,
        state.restarts,
        dateOf(state.nextAttemptAt),
        dateOf(state.readySince),
        state.serverInfo === null ? null : JSON.stringify(state.serverInfo),
      ],
    );
  }
}

function dateOf(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}

function searchText({ metadata }: McpServerManifest): string {
  return `${metadata.name} ${metadata.description ?? ''}`.toLowerCase();
}

/** Each word of `q` must be found, as it is. */
function patternsOf(q = ''): string[] {
  const words = q
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.map((word) => `%${word.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%`);
}
