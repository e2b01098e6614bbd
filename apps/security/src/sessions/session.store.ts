import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';

/** Browsers that one principal is signed in with at once; signing in with one more ends the oldest. */
const sessionsMax = 50;
const lifetime = '12 hours';

const endSql = `UPDATE browser_session SET ended_at = now() WHERE ended_at IS NULL AND workspace = $1`;
const endByHashSql = `${endSql} AND hash = $2 RETURNING id`;
const endByPrincipalSql = `${endSql} AND principal = $2 RETURNING id`;
const endByKeySql = `${endSql} AND key = $2 RETURNING id`;
const endSurplusSql = `${endSql} AND id IN
  (SELECT id FROM browser_session WHERE workspace = $1 AND principal = $2 AND ended_at IS NULL ORDER BY id DESC OFFSET ${sessionsMax}) RETURNING id`;

/** Rows of browser sessions, in transactions of their workspace. */
@Injectable()
export class SessionStore {
  /** Adds a session of a key; null when the key has ended meanwhile. It ends with its key, 12 h from now at the latest. */
  async add(
    tx: EntityManager,
    workspace: string,
    { principal, key, hash }: { principal: string; key: string; hash: Buffer },
  ): Promise<{ id: string; expiresAt: Date } | null> {
    const rows: { id: string; expires_at: Date }[] = await tx.query(
      `INSERT INTO browser_session (workspace, id, principal, key, hash, expires_at)
       SELECT $1, $2, $3, k.id, $5, least(now() + $6::interval, coalesce(k.expires_at, 'infinity')) FROM api_key k
       WHERE k.workspace = $1 AND k.id = $4 AND k.revoked_at IS NULL RETURNING id, expires_at`,
      [workspace, newUuid(), principal, key, hash, lifetime],
    );
    return rows[0] ? { id: fromUuid('sess', rows[0].id), expiresAt: rows[0].expires_at } : null;
  }

  /** Ends the session with this hash; its id and principal, or null where it is none that lives. */
  async end(tx: EntityManager, workspace: string, hash: Buffer): Promise<{ id: string } | null> {
    const ended = await end(tx, endByHashSql, [workspace, hash]);
    return ended[0] ? { id: ended[0] } : null;
  }

  /** Ends every session of a principal; their ids. */
  endAllOf(tx: EntityManager, workspace: string, principal: string): Promise<string[]> {
    return end(tx, endByPrincipalSql, [workspace, principal]);
  }

  /** Ends every session of a key; their ids. */
  endAllOfKey(tx: EntityManager, workspace: string, key: string): Promise<string[]> {
    return end(tx, endByKeySql, [workspace, key]);
  }

  /** Ends the oldest sessions of a principal that are too many; their ids. */
  endSurplusOf(tx: EntityManager, workspace: string, principal: string): Promise<string[]> {
    return end(tx, endSurplusSql, [workspace, principal]);
  }
}

/** TypeORM answers an UPDATE with its rows and their number. */
async function end(tx: EntityManager, statement: string, values: unknown[]): Promise<string[]> {
  const [rows]: [{ id: string }[], number] = await tx.query(statement, values);
  return rows.map(({ id }) => fromUuid('sess', id));
}
