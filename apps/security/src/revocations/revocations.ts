import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { credentialRevoked, type Revocation } from '@signalbox/shared/contracts/security/credential-revoked.js';
import { afterCommit, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { noWorkspace } from '../credentials/no-workspace.ts';

/** More than this many revocations in two minutes are not told one by one: whoever missed them waits for identities to end. */
const listMax = 1_000;

/** Says in the transaction of the change what lost its rights, and tells everybody right after the commit. */
@Injectable()
export class Revocations {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
  ) {}

  async append(tx: EntityManager, workspace: string, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await tx.query(`INSERT INTO revocation (workspace, id) SELECT $1, u FROM unnest($2::text[]) AS u ON CONFLICT DO NOTHING`, [
      workspace,
      ids,
    ]);
    afterCommit(tx, () => {
      const at = now();
      for (const id of ids) this.bus.publishLive(credentialRevoked, { id, at }, { workspace, entity: id });
    });
  }

  /** What was revoked since, in every workspace. */
  async since(sinceMs: number): Promise<Revocation[]> {
    const rows: { id: string; at: Date }[] = await this.db.inWorkspace(noWorkspace, (tx) =>
      tx.query(`SELECT id, at FROM revocations_since(to_timestamp($1::float8 / 1000), $2)`, [sinceMs, listMax]),
    );
    return rows.map(({ id, at }) => ({ id, at: at.getTime() }));
  }
}
