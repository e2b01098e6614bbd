import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import type { ObjectiveManifest } from '../manifests/manifest.ts';
import type { AppliedObjective } from './objective.ts';

interface ObjectiveRow {
  version: number;
  hash: string;
  manifest: ObjectiveManifest;
  updated_at: Date;
}

/** Objectives that were applied. Every method works in a transaction of one workspace, whose rows alone it sees. */
@Injectable()
export class ObjectiveStore {
  /** All of them: there are few. */
  async all(tx: EntityManager): Promise<AppliedObjective[]> {
    return (await rowsOf<ObjectiveRow>(tx, `SELECT version, hash, manifest, updated_at FROM objective ORDER BY name`)).map(toObjective);
  }

  /** Creates the objective or replaces its manifest; null when somebody else was faster. */
  async put(
    tx: EntityManager,
    workspace: string,
    manifest: ObjectiveManifest,
    version: number,
    hash: string,
  ): Promise<AppliedObjective | null> {
    const rows = await rowsOf<ObjectiveRow>(
      tx,
      `INSERT INTO objective AS o (workspace, name, version, hash, manifest) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (workspace, name) DO UPDATE SET version = excluded.version, hash = excluded.hash, manifest = excluded.manifest, updated_at = now()
         WHERE o.version = excluded.version - 1
       RETURNING version, hash, manifest, updated_at`,
      [workspace, manifest.metadata.name, version, hash, JSON.stringify(manifest)],
    );
    return rows[0] ? toObjective(rows[0]) : null;
  }

  /** False when there is none. */
  async delete(tx: EntityManager, name: string): Promise<boolean> {
    return (await changedRows(tx, `DELETE FROM objective WHERE name = $1 RETURNING name`, [name])).length === 1;
  }
}

function toObjective(row: ObjectiveRow): AppliedObjective {
  return { manifest: row.manifest, version: row.version, hash: row.hash, updatedAt: row.updated_at };
}
