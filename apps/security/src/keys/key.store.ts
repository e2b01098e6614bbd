import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { KeyState } from '@signalbox/shared/contracts/security/list-keys.js';
import type { PrincipalKind } from '@signalbox/shared/contracts/security/principal.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import type { PrincipalEntry } from '../principals/principal.ts';
import type { KeyEntry } from './key.ts';

interface KeyRow {
  id: string;
  name: string;
  principal: string;
  principal_kind: PrincipalKind;
  principal_name: string;
  principal_roles: Role[];
  roles: Role[] | null;
  scopes: string[];
  created_at: Date;
  created_by: string;
  expires_at: Date | null;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

export interface NewKey {
  uuid: string;
  name: string;
  hash: Buffer;
  roles?: readonly Role[] | undefined;
  scopes: readonly string[];
  createdBy: string;
  /** Seconds from now. */
  expiresInS?: number | undefined;
  isPreset?: boolean;
}

const columns = `k.id, k.name, k.principal, p.kind AS principal_kind, p.name AS principal_name, p.roles AS principal_roles, k.roles, k.scopes, k.created_at, k.created_by, k.expires_at,
  k.last_used_at, k.revoked_at`;
const source = `api_key k JOIN principal p ON p.workspace = k.workspace AND p.id = k.principal`;

const getSql = `SELECT ${columns} FROM ${source} WHERE k.workspace = $1 AND k.id = $2 FOR UPDATE OF k`;

function listWhere(condition: string): string {
  return `SELECT ${columns} FROM ${source}
  WHERE k.workspace = $1 AND ($2::uuid IS NULL OR k.principal = $2) AND ($3 = '' OR position(lower($3) IN lower(k.name)) > 0)
  AND ($4::uuid IS NULL OR k.id < $4) AND ${condition} ORDER BY k.id DESC LIMIT $5`;
}

const listSql: Record<KeyState | 'any', string> = {
  any: listWhere('true'),
  live: listWhere('k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())'),
  expired: listWhere('k.revoked_at IS NULL AND k.expires_at <= now()'),
  revoked: listWhere('k.revoked_at IS NOT NULL'),
};

/** Rows of API keys, in transactions of their workspace. */
@Injectable()
export class KeyStore {
  async add(
    tx: EntityManager,
    workspace: string,
    principal: Pick<PrincipalEntry, 'uuid' | 'kind' | 'name' | 'roles'>,
    { uuid, name, hash, roles, scopes, createdBy, expiresInS, isPreset = false }: NewKey,
  ): Promise<KeyEntry> {
    const rows: { created_at: Date; expires_at: Date | null }[] = await tx.query(
      `INSERT INTO api_key (workspace, id, principal, name, hash, roles, scopes, created_by, expires_at, is_preset)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9::float8 * interval '1 second', $10) RETURNING created_at, expires_at`,
      [workspace, uuid, principal.uuid, name, hash, roles ?? null, scopes, createdBy, expiresInS ?? null, isPreset],
    );
    const { created_at, expires_at } = rows[0]!;
    return {
      uuid,
      name,
      principal,
      roles: roles ? [...roles] : null,
      scopes: [...scopes],
      createdAt: created_at,
      createdBy,
      expiresAt: expires_at,
      lastUsedAt: null,
      revokedAt: null,
    };
  }

  /** `not_found` when the workspace has none of this id. Waits for whoever changes it now. */
  async getForUpdate(tx: EntityManager, workspace: string, id: string): Promise<KeyEntry> {
    const rows: KeyRow[] = await tx.query(getSql, [workspace, toUuid(id, 'key')]);
    if (!rows[0]) throw new Fault('not_found', `there is no key ${id}`, 'Check the identifier.');
    return entryOf(rows[0]);
  }

  async revoke(tx: EntityManager, workspace: string, uuid: string): Promise<Date> {
    const [rows]: [{ revoked_at: Date }[], number] = await tx.query(
      `UPDATE api_key SET revoked_at = now() WHERE workspace = $1 AND id = $2 RETURNING revoked_at`,
      [workspace, uuid],
    );
    return rows[0]!.revoked_at;
  }

  /** Revokes the keys that came from configurations before; their ids. */
  async revokePreset(tx: EntityManager, workspace: string): Promise<string[]> {
    const [rows]: [{ id: string }[], number] = await tx.query(
      `UPDATE api_key SET revoked_at = now() WHERE workspace = $1 AND is_preset AND revoked_at IS NULL RETURNING id`,
      [workspace],
    );
    return rows.map(({ id }) => fromUuid('key', id));
  }

  /** The newest first; `after` is the UUID of the last one seen. */
  async list(
    tx: EntityManager,
    workspace: string,
    {
      principal,
      state,
      q = '',
      after,
      limit,
    }: { principal: string | null; state?: KeyState | undefined; q?: string; after: string | null; limit: number },
  ): Promise<KeyEntry[]> {
    const rows: KeyRow[] = await tx.query(listSql[state ?? 'any'], [workspace, principal, q, after, limit]);
    return rows.map(entryOf);
  }
}

function entryOf(row: KeyRow): KeyEntry {
  return {
    uuid: row.id,
    name: row.name,
    principal: { uuid: row.principal, kind: row.principal_kind, name: row.principal_name, roles: row.principal_roles },
    roles: row.roles,
    scopes: row.scopes,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
