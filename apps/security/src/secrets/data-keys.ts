import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { MasterKey } from '../sealing/master-key.ts';
import { keyBytes, SealingKey } from '../sealing/sealing-key.ts';

export interface DataKey {
  version: number;
  key: SealingKey;
}

interface DataKeyRow {
  version: number;
  sealed: Buffer;
}

/** The data keys of workspaces, each sealed with the master key: one in use, and for a moment the one before. */
@Injectable()
export class DataKeys {
  constructor(private readonly masterKey: MasterKey) {}

  /** Has other writers of the workspace's secrets wait until the transaction ends. */
  async lock(tx: EntityManager, workspace: string): Promise<void> {
    await tx.query(`SELECT id FROM workspace WHERE id = $1 FOR NO KEY UPDATE`, [workspace]);
  }

  /** The one in use; made where there is none yet. Needs the lock. */
  async current(tx: EntityManager, workspace: string): Promise<DataKey> {
    const rows: DataKeyRow[] = await tx.query(`SELECT version, sealed FROM data_key WHERE workspace = $1 ORDER BY version DESC LIMIT 1`, [
      workspace,
    ]);
    return rows[0] ? { version: rows[0].version, key: this.unseal(workspace, rows[0]) } : this.make(tx, workspace, 1);
  }

  async make(tx: EntityManager, workspace: string, version: number): Promise<DataKey> {
    const bytes = randomBytes(keyBytes);
    await tx.query(`INSERT INTO data_key (workspace, version, sealed, master_key) VALUES ($1, $2, $3, $4)`, [
      workspace,
      version,
      this.masterKey.seal(sealName(workspace, version), bytes),
      this.masterKey.id,
    ]);
    return { version, key: new SealingKey(bytes) };
  }

  async dropBefore(tx: EntityManager, workspace: string, version: number): Promise<void> {
    await tx.query(`DELETE FROM data_key WHERE workspace = $1 AND version < $2`, [workspace, version]);
  }

  unseal(workspace: string, { version, sealed }: DataKeyRow): SealingKey {
    return new SealingKey(this.masterKey.open(sealName(workspace, version), sealed));
  }
}

/** As `sealAnew` names it, too. */
function sealName(workspace: string, version: number): string {
  return `data-key ${workspace} ${version}`;
}
