import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { PrincipalKind } from '@signalbox/shared/contracts/security/principal.js';
import { sqlStateOf } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { parsePrincipalId, principalId } from '../credentials/principal-id.ts';
import type { PrincipalEntry } from './principal.ts';

interface PrincipalRow {
  id: string;
  kind: PrincipalKind;
  name: string;
  roles: Role[];
  is_installation: boolean;
  created_at: Date;
  disabled_at: Date | null;
}

const columns = 'id, kind, name, roles, is_installation, created_at, disabled_at';
const oneSql = `SELECT ${columns} FROM principal WHERE workspace = $1 AND id = $2 AND kind = $3`;
const getSql = { read: oneSql, change: `${oneSql} FOR UPDATE` };
const addSql = `INSERT INTO principal (workspace, id, kind, name, roles, is_installation) VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${columns}`;
const ensureAgentSql = `INSERT INTO principal (workspace, id, kind, name, roles) VALUES ($1, $2, 'agent', $3, '{agent}')
  ON CONFLICT (workspace, id) DO UPDATE SET name = excluded.name RETURNING ${columns}`;
const listSql = `SELECT ${columns} FROM principal
  WHERE workspace = $1 AND ($2::text IS NULL OR kind = $2) AND ($3 = '' OR position(lower($3) IN lower(name)) > 0)
  AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5`;
const uniqueViolation = '23505';

/** Rows of principals, in transactions of their workspace. */
@Injectable()
export class PrincipalStore {
  /** `not_found` when the workspace has none of this id. */
  async get(tx: EntityManager, workspace: string, id: string, lock: keyof typeof getSql = 'read'): Promise<PrincipalEntry> {
    const { kind, uuid } = parsePrincipalId(id);
    const rows: PrincipalRow[] = await tx.query(getSql[lock], [workspace, uuid, kind]);
    if (!rows[0]) throw new Fault('not_found', `there is no principal ${id}`, 'Check the identifier.');
    return entryOf(rows[0]);
  }

  /** Adds a user or a service account. `conflict` when one of the kind has the name. */
  async add(
    tx: EntityManager,
    workspace: string,
    { kind, name, roles, isInstallation = false }: { kind: PrincipalKind; name: string; roles: Role[]; isInstallation?: boolean },
  ): Promise<PrincipalEntry> {
    try {
      const rows: PrincipalRow[] = await tx.query(addSql, [workspace, newUuid(), kind, name, roles, isInstallation]);
      return entryOf(rows[0]!);
    } catch (thrown) {
      throw nameTaken(thrown, kind, name);
    }
  }

  /** The agent as a principal: made if it is none yet, under the name that it has now. */
  async ensureAgent(tx: EntityManager, workspace: string, id: string, name: string): Promise<PrincipalEntry> {
    const { uuid } = parsePrincipalId(id);
    const rows: PrincipalRow[] = await tx.query(ensureAgentSql, [workspace, uuid, name]);
    return entryOf(rows[0]!);
  }

  async update(tx: EntityManager, workspace: string, { uuid, kind, name, roles, disabledAt }: PrincipalEntry): Promise<void> {
    try {
      await tx.query(`UPDATE principal SET name = $3, roles = $4, disabled_at = $5 WHERE workspace = $1 AND id = $2`, [
        workspace,
        uuid,
        name,
        roles,
        disabledAt,
      ]);
    } catch (thrown) {
      throw nameTaken(thrown, kind, name);
    }
  }

  /** Lets one transaction at a time take administrators away. */
  async lockAdministrators(tx: EntityManager, workspace: string): Promise<void> {
    await tx.query(`SELECT 1 FROM workspace WHERE id = $1 FOR UPDATE`, [workspace]);
  }

  async countOtherAdministrators(tx: EntityManager, workspace: string, uuid: string): Promise<number> {
    const rows: { count: string }[] = await tx.query(
      `SELECT count(*) FROM principal WHERE workspace = $1 AND id <> $2 AND 'admin' = ANY(roles) AND disabled_at IS NULL AND kind <> 'agent'`,
      [workspace, uuid],
    );
    return Number(rows[0]!.count);
  }

  /** The newest first; `after` is the UUID of the last one seen. */
  async list(
    tx: EntityManager,
    workspace: string,
    { kind = null, q = '', after = null, limit }: { kind?: PrincipalKind | null; q?: string; after?: string | null; limit: number },
  ): Promise<PrincipalEntry[]> {
    const rows: PrincipalRow[] = await tx.query(listSql, [workspace, kind, q, after, limit]);
    return rows.map(entryOf);
  }
}

function entryOf({ id, kind, name, roles, is_installation, created_at, disabled_at }: PrincipalRow): PrincipalEntry {
  return {
    uuid: id,
    id: principalId(kind, id),
    kind,
    name,
    roles,
    isInstallation: is_installation,
    createdAt: created_at,
    disabledAt: disabled_at,
  };
}

function nameTaken(thrown: unknown, kind: PrincipalKind, name: string): unknown {
  if (sqlStateOf(thrown) !== uniqueViolation) return thrown;
  return new Fault('conflict', `there is a ${kind} named ${name}`, 'Choose another name.', { cause: thrown });
}
