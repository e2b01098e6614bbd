import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { CredentialHasher } from '../credentials/credential-hasher.ts';
import { KeyStore } from '../keys/key.store.ts';
import { PrincipalStore } from '../principals/principal.store.ts';
import { Revocations } from '../revocations/revocations.ts';
import { SessionStore } from '../sessions/session.store.ts';
import { WorkspaceStore } from '../workspaces/workspace.store.ts';

export const defaultWorkspaceName = 'default';
const self = { principal: 'service:security', name: 'security' };

/** The workspace, the administrator and the key that an installation begins with. */
@Injectable()
export class AdminKeyImport {
  constructor(
    private readonly system: SystemDatabase,
    private readonly hasher: CredentialHasher,
    private readonly workspaces: WorkspaceStore,
    private readonly principals: PrincipalStore,
    private readonly keys: KeyStore,
    private readonly sessions: SessionStore,
    private readonly revocations: Revocations,
    private readonly audit: Audit,
  ) {}

  /**
   * Makes what is missing and takes the configured key; another one replaces it, the same one changes nothing. Throws on the first start without
   * a key: nobody could ever come in.
   */
  async run(adminKey: string): Promise<void> {
    await this.system.run(async (tx) => {
      await tx.query(`LOCK TABLE workspace IN SHARE ROW EXCLUSIVE MODE`); // replicas that start at once take turns
      const found: { workspace: string; id: string }[] = await tx.query(`SELECT workspace, id FROM principal WHERE is_installation`);
      if (!found[0] && adminKey === '') {
        throw new Error(
          'the first start needs the key of the administrator: set ADMIN_KEY to any text of 24 characters or more that starts with sbx_',
        );
      }
      const { workspace, id } = found[0] ?? (await this.begin(tx));
      if (adminKey !== '') await this.take(tx, workspace, id, adminKey);
    });
  }

  private async begin(tx: EntityManager): Promise<{ workspace: string; id: string }> {
    const workspace = newUuid();
    await this.workspaces.add(tx, { id: workspace, name: defaultWorkspaceName, title: 'Default' });
    const { uuid } = await this.principals.add(tx, workspace, { kind: 'user', name: 'admin', roles: ['admin'], isInstallation: true });
    await this.audit.append(tx, { workspace, ...self }, { action: 'workspace.create', target: `workspace ${defaultWorkspaceName}` });
    return { workspace, id: uuid };
  }

  private async take(tx: EntityManager, workspace: string, principal: string, adminKey: string): Promise<void> {
    const hash = this.hasher.hash(adminKey);
    const known: { id: string; revoked_at: Date | null }[] = await tx.query(`SELECT id, revoked_at FROM api_key WHERE hash = $1`, [hash]);
    if (known[0]) {
      if (known[0].revoked_at) log.warn('ADMIN_KEY is a key that was revoked: it lets nobody in; start with another one');
      return;
    }
    const replaced = await this.keys.revokePreset(tx, workspace);
    const sessions = replaced.length > 0 ? await this.sessions.endAllOf(tx, workspace, principal) : [];
    await this.revocations.append(tx, workspace, [...replaced, ...sessions]);
    const uuid = newUuid();
    const facts = { uuid, name: 'administrator of the installation', hash, scopes: [], createdBy: self.principal, isPreset: true };
    await this.keys.add(tx, workspace, { uuid: principal, kind: 'user', name: 'admin', roles: ['admin'] }, facts);
    await this.audit.append(
      tx,
      { workspace, ...self },
      { action: 'key.import', target: `key ${fromUuid('key', uuid)}`, detail: { replaced } },
    );
    log.info('the key of the administrator was imported', { keyId: fromUuid('key', uuid), replaced: replaced.length });
  }
}
