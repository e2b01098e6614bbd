import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { SecretEntry } from './secret.ts';

interface SecretRow {
  id: string;
  name: string;
  description: string;
  version: number;
  data_key: number;
  sealed: Buffer;
  created_at: Date;
  created_by: string;
  updated_at: Date;
  updated_by: string;
  last_used_at: Date | null;
}

const findSql = `SELECT * FROM secret WHERE workspace = $1 AND name = $2`;
const allSql = `SELECT * FROM secret WHERE workspace = $1 ORDER BY name`;
const pageSql = `SELECT * FROM secret WHERE workspace = $1 AND name > $2
  AND ($3 = '' OR position(lower($3) IN lower(name || ' ' || description)) > 0) ORDER BY name LIMIT $4`;
const putSql = `INSERT INTO secret (workspace, id, name, description, version, data_key, sealed, created_by, updated_by)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
  ON CONFLICT (workspace, name) DO UPDATE SET description = excluded.description, version = excluded.version, data_key = excluded.data_key,
    sealed = excluded.sealed, updated_at = now(), updated_by = excluded.updated_by
  RETURNING *`;
/** To within a minute: a use costs a write then. */
const useSql = `UPDATE secret SET last_used_at = now() WHERE workspace = $1 AND id = $2
  AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`;
const openSql = `SELECT s.*, k.sealed AS key FROM secret s JOIN data_key k ON k.workspace = s.workspace AND k.version = s.data_key
  WHERE s.workspace = $1 AND s.name = $2`;

/** Rows of secrets, in transactions of their workspace. */
@Injectable()
export class SecretStore {
  async find(tx: EntityManager, workspace: string, name: string): Promise<SecretEntry | null> {
    const rows: SecretRow[] = await tx.query(findSql, [workspace, name]);
    return rows[0] ? entryOf(rows[0]) : null;
  }

  /** The secret with the sealed data key that opens it, as both are at one moment. */
  async findWithKey(tx: EntityManager, workspace: string, name: string): Promise<{ entry: SecretEntry; key: Buffer } | null> {
    const rows: (SecretRow & { key: Buffer })[] = await tx.query(openSql, [workspace, name]);
    return rows[0] ? { entry: entryOf(rows[0]), key: rows[0].key } : null;
  }

  async all(tx: EntityManager, workspace: string): Promise<SecretEntry[]> {
    const rows: SecretRow[] = await tx.query(allSql, [workspace]);
    return rows.map(entryOf);
  }

  /** In order of the names; `after` is the last one seen. */
  async list(
    tx: EntityManager,
    workspace: string,
    { after, q, limit }: { after: string; q: string; limit: number },
  ): Promise<SecretEntry[]> {
    const rows: SecretRow[] = await tx.query(pageSql, [workspace, after, q, limit]);
    return rows.map(entryOf);
  }

  async count(tx: EntityManager, workspace: string): Promise<number> {
    const rows: { count: number }[] = await tx.query(`SELECT count(*)::int AS count FROM secret WHERE workspace = $1`, [workspace]);
    return rows[0]!.count;
  }

  /** Adds it, or replaces the value and description of the one with this name. */
  async put(
    tx: EntityManager,
    workspace: string,
    {
      uuid,
      name,
      description,
      version,
      dataKey,
      sealed,
      updatedBy,
    }: Omit<SecretEntry, 'createdAt' | 'createdBy' | 'updatedAt' | 'lastUsedAt'>,
  ): Promise<SecretEntry> {
    const rows: SecretRow[] = await tx.query(putSql, [workspace, uuid, name, description, version, dataKey, sealed, updatedBy]);
    return entryOf(rows[0]!);
  }

  /** The same value under another data key. */
  async reseal(tx: EntityManager, workspace: string, uuid: string, dataKey: number, sealed: Buffer): Promise<void> {
    await tx.query(`UPDATE secret SET data_key = $3, sealed = $4 WHERE workspace = $1 AND id = $2`, [workspace, uuid, dataKey, sealed]);
  }

  async remove(tx: EntityManager, workspace: string, uuid: string): Promise<void> {
    await tx.query(`DELETE FROM secret WHERE workspace = $1 AND id = $2`, [workspace, uuid]);
  }

  async noteUse(tx: EntityManager, workspace: string, uuid: string): Promise<void> {
    await tx.query(useSql, [workspace, uuid]);
  }
}

function entryOf(row: SecretRow): SecretEntry {
  return {
    uuid: row.id,
    name: row.name,
    description: row.description,
    version: row.version,
    dataKey: row.data_key,
    sealed: row.sealed,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    updatedBy: row.updated_by,
    lastUsedAt: row.last_used_at,
  };
}
