import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import type { GateManifest } from '../manifests/manifest.ts';
import type { AppliedGate } from './gate.ts';

interface GateRow {
  version: number;
  hash: string;
  manifest: GateManifest;
  updated_at: Date;
}

/** Gates that were applied. Every method works in a transaction of one workspace, whose rows alone it sees. */
@Injectable()
export class GateStore {
  /** All of them: there are few. */
  async all(tx: EntityManager): Promise<AppliedGate[]> {
    return (await rowsOf<GateRow>(tx, `SELECT version, hash, manifest, updated_at FROM gate ORDER BY name`)).map(toGate);
  }

  /** Creates the gate or replaces its manifest; null when somebody else was faster. */
  async put(tx: EntityManager, workspace: string, manifest: GateManifest, version: number, hash: string): Promise<AppliedGate | null> {
    const rows = await rowsOf<GateRow>(
      tx,
      `INSERT INTO gate AS g (workspace, name, version, hash, manifest) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (workspace, name) DO UPDATE SET version = excluded.version, hash = excluded.hash, manifest = excluded.manifest, updated_at = now()
         WHERE g.version = excluded.version - 1
       RETURNING version, hash, manifest, updated_at`,
      [workspace, manifest.metadata.name, version, hash, JSON.stringify(manifest)],
    );
    return rows[0] ? toGate(rows[0]) : null;
  }

  /** False when there is none. */
  async delete(tx: EntityManager, name: string): Promise<boolean> {
    return (await changedRows(tx, `DELETE FROM gate WHERE name = $1 RETURNING name`, [name])).length === 1;
  }
}

function toGate(row: GateRow): AppliedGate {
  return { manifest: row.manifest, version: row.version, hash: row.hash, updatedAt: row.updated_at };
}
