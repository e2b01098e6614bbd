import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';

export interface NewGrant {
  uuid: string;
  principal: string;
  /** The credential that the caller came with. */
  via: string;
  service: ServiceName;
  purpose: string;
  roles: readonly Role[];
  scopes: readonly string[];
  hash: Buffer;
}

const endSql = `UPDATE access_grant SET revoked_at = now() WHERE revoked_at IS NULL AND workspace = $1`;
const endByHashSql = `${endSql} AND hash = $2 RETURNING id`;
const endByViaSql = `${endSql} AND via = ANY($2::text[]) RETURNING id`;

/** Rows of grants, in transactions of their workspace. */
@Injectable()
export class GrantStore {
  async add(
    tx: EntityManager,
    workspace: string,
    { uuid, principal, via, service, purpose, roles, scopes, hash }: NewGrant,
  ): Promise<void> {
    await tx.query(
      `INSERT INTO access_grant (workspace, id, principal, via, service, purpose, roles, scopes, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [workspace, uuid, principal, via, service, purpose, roles, scopes, hash],
    );
  }

  /** Ends the grant with this hash; false where it had ended. */
  async end(tx: EntityManager, workspace: string, hash: Buffer): Promise<boolean> {
    return (await end(tx, endByHashSql, [workspace, hash])).length > 0;
  }

  /** Ends the grants that were made with these credentials; their ids. */
  revokeAllVia(tx: EntityManager, workspace: string, credentials: readonly string[]): Promise<string[]> {
    return end(tx, endByViaSql, [workspace, credentials]);
  }
}

/** TypeORM answers an UPDATE with its rows and their number. */
async function end(tx: EntityManager, statement: string, values: unknown[]): Promise<string[]> {
  const [rows]: [{ id: string }[], number] = await tx.query(statement, values);
  return rows.map(({ id }) => fromUuid('grant', id));
}
