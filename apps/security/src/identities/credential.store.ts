import { Injectable } from '@nestjs/common';
import { noWorkspace } from '../credentials/no-workspace.ts';
import type { EntityManager } from 'typeorm';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { PrincipalKind } from '@signalbox/shared/contracts/security/principal.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { parsePrincipalId, principalId } from '../credentials/principal-id.ts';
import { rolesStillHeld, type Credential } from './credential.ts';

interface CredentialRow {
  workspace: string;
  id: string;
  principal: string;
  kind: PrincipalKind;
  name: string;
  principal_roles: Role[];
  roles: Role[];
  scopes: string[];
  service: string;
  expires_at: Date | null;
  refusal: string | null;
}

const prefixes = { key: 'key', session: 'sess', grant: 'grant' } as const;
/** A browser session that was not used for this long is over. */
export const sessionIdle = '30 minutes';

/** Finds credentials of any workspace by their hash, through functions that give exactly one. */
@Injectable()
export class CredentialStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly hasher: CredentialHasher,
  ) {}

  async find(kind: keyof typeof prefixes, credential: string): Promise<Credential | null> {
    const hash = this.hasher.hash(credential);
    const [row] = await this.db.inWorkspace(noWorkspace, (tx) => findBy(tx, kind, hash));
    return row ? credentialOf(kind, row) : null;
  }

  /** Whether the credential that an identity was traded for is still good, and the roles that its principal has now; null: it is not. */
  async rolesNow(workspace: string, credentialId: string, principal: string): Promise<Role[] | null> {
    const prefix = credentialId.slice(0, credentialId.indexOf('_'));
    const { uuid } = parsePrincipalId(principal);
    const statement = rolesNowSql[prefix];
    if (statement === undefined) return null;
    const rows: { roles: Role[] }[] = await this.db.inWorkspace(workspace, (tx) =>
      tx.query(statement, [workspace, uuid, toUuid(credentialId, prefix)]),
    );
    return rows[0]?.roles ?? null;
  }
}

/** The roles of the principal $2, if the credential $3 of the workspace $1 is good. */
const liveKey = `FROM api_key k WHERE k.workspace = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())`;
const rolesSql = `SELECT roles FROM principal p WHERE workspace = $1 AND id = $2 AND disabled_at IS NULL`;
const rolesNowSql: Record<string, string | undefined> = {
  key: `${rolesSql} AND EXISTS (SELECT 1 ${liveKey} AND k.id = $3)`,
  sess: `${rolesSql} AND EXISTS (SELECT 1 ${liveKey} AND k.id = (SELECT s.key FROM browser_session s
         WHERE s.workspace = $1 AND s.id = $3 AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()))`,
  grant: `${rolesSql} AND EXISTS (SELECT 1 FROM access_grant g WHERE g.workspace = $1 AND g.id = $3 AND g.revoked_at IS NULL)`,
};

function findBy(tx: EntityManager, kind: keyof typeof prefixes, hash: Buffer): Promise<CredentialRow[]> {
  if (kind === 'session') return tx.query(`SELECT * FROM find_session($1, $2::interval)`, [hash, sessionIdle]);
  return tx.query(kind === 'key' ? `SELECT * FROM find_key($1)` : `SELECT * FROM find_grant($1)`, [hash]);
}

function credentialOf(kind: keyof typeof prefixes, row: CredentialRow): Credential {
  return {
    workspace: row.workspace,
    id: fromUuid(prefixes[kind], row.id),
    kind: row.kind,
    principal: principalId(row.kind, row.principal),
    name: row.name,
    roles: rolesStillHeld(row.roles, row.principal_roles),
    scopes: row.scopes,
    service: row.service,
    expiresAt: row.expires_at?.getTime() ?? null,
    refusal: row.refusal,
  };
}
