import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault, type PageRequest } from '@signalbox/shared/bus/page.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf, searchPatterns } from '../database/sql.ts';
import type { EvalSuiteManifest } from '../manifests/manifest.ts';
import type { AppliedSuite } from './eval-suite.ts';

interface SuiteRow {
  id: string;
  version: number;
  hash: string;
  manifest: EvalSuiteManifest;
  updated_at: Date;
}

/** A suite, and its UUID. */
export type StoredSuite = AppliedSuite & { id: string };

const current = `SELECT s.id, s.version, s.hash, s.updated_at, v.manifest FROM eval_suite AS s
  JOIN eval_suite_version AS v ON v.workspace = s.workspace AND v.suite = s.id AND v.version = s.version`;

/** Suites and those of their versions that evals were made with. Every method works in a transaction of one workspace, whose rows alone it sees. */
@Injectable()
export class EvalSuiteStore {
  async find(tx: EntityManager, name: string): Promise<StoredSuite | null> {
    const rows = await rowsOf<SuiteRow>(tx, `${current} WHERE s.name = $1`, [name]);
    return rows[0] ? toSuite(rows[0]) : null;
  }

  /** A version that an eval was made with. */
  async manifestOf(tx: EntityManager, suite: string, version: number): Promise<EvalSuiteManifest> {
    const rows = await rowsOf<{ manifest: EvalSuiteManifest }>(
      tx,
      `SELECT manifest FROM eval_suite_version WHERE suite = $1 AND version = $2`,
      [suite, version],
    );
    return rows[0]!.manifest;
  }

  /** One more than asked for, in order of names. */
  async list(tx: EntityManager, { q, limit = pageLimitDefault, cursor }: PageRequest): Promise<StoredSuite[]> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const rows = await rowsOf<SuiteRow>(tx, `${current} WHERE s.name > $1 AND s.search LIKE ALL ($2::text[]) ORDER BY s.name LIMIT $3`, [
      after,
      searchPatterns(q),
      limit + 1,
    ]);
    return rows.map(toSuite);
  }

  async count(tx: EntityManager): Promise<number> {
    const rows = await rowsOf<{ count: number }>(tx, `SELECT count(*)::int AS count FROM eval_suite`);
    return rows[0]!.count;
  }

  /** Creates the suite or makes its next version; null when somebody else was faster. Versions that no eval was made with are forgotten. */
  async put(tx: EntityManager, workspace: string, manifest: EvalSuiteManifest, version: number, hash: string): Promise<StoredSuite | null> {
    const { name, description = '' } = manifest.metadata;
    const rows = await rowsOf<Omit<SuiteRow, 'manifest'>>(
      tx,
      `INSERT INTO eval_suite AS s (workspace, name, id, version, hash, search) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (workspace, name) DO UPDATE SET version = excluded.version, hash = excluded.hash, search = excluded.search, updated_at = now()
         WHERE s.version = excluded.version - 1
       RETURNING id, version, hash, updated_at`,
      [workspace, name, newUuid(), version, hash, `${name}\n${description}`.toLowerCase()],
    );
    if (!rows[0]) return null;
    const { id } = rows[0];
    await tx.query(
      `DELETE FROM eval_suite_version AS v WHERE v.suite = $1
         AND NOT EXISTS (SELECT 1 FROM eval AS e WHERE e.suite = v.suite AND e.suite_version = v.version)`,
      [id],
    );
    await tx.query(`INSERT INTO eval_suite_version (workspace, suite, version, manifest) VALUES ($1, $2, $3, $4)`, [
      workspace,
      id,
      version,
      JSON.stringify(manifest),
    ]);
    return toSuite({ ...rows[0], manifest });
  }

  /** With its versions and evals. */
  async delete(tx: EntityManager, { id }: StoredSuite): Promise<void> {
    await tx.query(`DELETE FROM eval_attempt WHERE eval IN (SELECT id FROM eval WHERE suite = $1)`, [id]);
    await tx.query(`DELETE FROM eval WHERE suite = $1`, [id]);
    await tx.query(`DELETE FROM eval_suite_version WHERE suite = $1`, [id]);
    await changedRows(tx, `DELETE FROM eval_suite WHERE id = $1 RETURNING name`, [id]);
  }

  /** Keeps others from changing or deleting it until the transaction ends; false: it is not there any more. */
  async lock(tx: EntityManager, { id }: StoredSuite): Promise<boolean> {
    return (await rowsOf(tx, `SELECT 1 FROM eval_suite WHERE id = $1 FOR UPDATE`, [id])).length === 1;
  }
}

function toSuite({ id, manifest, version, hash, updated_at: updatedAt }: SuiteRow): StoredSuite {
  return { id, manifest, version, hash, updatedAt };
}
