import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import type { NotificationRuleManifest } from '../manifests/manifest.ts';
import type { AppliedRule } from './rule.ts';

export interface RuleRow {
  workspace: string;
  name: string;
  version: number;
  hash: string;
  manifest: NotificationRuleManifest;
  bearer: string;
  applied_by: string;
  next_at: Date | null;
  last_at: Date | null;
  updated_at: Date;
}

/** Notification rules. Methods work in a transaction of one workspace, but for those that say otherwise. */
@Injectable()
export class RuleStore {
  /** All of them, by name: there are few. */
  async all(tx: EntityManager): Promise<AppliedRule[]> {
    return (await rowsOf<RuleRow>(tx, `SELECT * FROM notification_rule ORDER BY name`)).map(toRule);
  }

  async find(tx: EntityManager, name: string): Promise<(AppliedRule & { bearer: string }) | null> {
    const row = await this.row(tx, name);
    return row === null ? null : { ...toRule(row), bearer: row.bearer };
  }

  async row(tx: EntityManager, name: string): Promise<RuleRow | null> {
    const [row] = await rowsOf<RuleRow>(tx, `SELECT * FROM notification_rule WHERE name = $1`, [name]);
    return row ?? null;
  }

  /** Names of rules that send to the channel. */
  async namesOf(tx: EntityManager, channel: string): Promise<string[]> {
    const rows = await rowsOf<{ name: string }>(
      tx,
      `SELECT name FROM notification_rule WHERE manifest->'spec'->'channels' ? $1 ORDER BY name`,
      [channel],
    );
    return rows.map(({ name }) => name);
  }

  /** Creates the rule or replaces its manifest; null when somebody else was faster. */
  async put(
    tx: EntityManager,
    workspace: string,
    manifest: NotificationRuleManifest,
    version: number,
    hash: string,
    by: { bearer: string; name: string },
    nextAt: number | null,
  ): Promise<AppliedRule | null> {
    const [row] = await rowsOf<RuleRow>(
      tx,
      `INSERT INTO notification_rule AS r (workspace, name, version, hash, manifest, bearer, applied_by, next_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8 / 1000))
       ON CONFLICT (workspace, name) DO UPDATE SET version = excluded.version, hash = excluded.hash, manifest = excluded.manifest,
         bearer = excluded.bearer, applied_by = excluded.applied_by, next_at = excluded.next_at, updated_at = now()
         WHERE r.version = excluded.version - 1 OR (r.version = excluded.version AND r.hash = excluded.hash)
       RETURNING *`,
      [workspace, manifest.metadata.name, version, hash, JSON.stringify(manifest), by.bearer, by.name, nextAt],
    );
    return row === undefined ? null : toRule(row);
  }

  /** The grant of the rule that is gone now; null: there is none. */
  async delete(tx: EntityManager, name: string): Promise<string | null> {
    const [row] = await changedRows<{ bearer: string }>(tx, `DELETE FROM notification_rule WHERE name = $1 RETURNING bearer`, [name]);
    return row?.bearer ?? null;
  }

  /** Those that want to hear of events, kept from others until the transaction ends: what they gather, they gather one after the other. */
  async lockForEvents(tx: EntityManager, names: readonly string[]): Promise<void> {
    await tx.query(`SELECT name FROM notification_rule WHERE name = ANY($1) ORDER BY name FOR UPDATE`, [names]);
  }

  /** Digests and reviews of any workspace that are due, by the system's role. */
  due(tx: EntityManager, max: number): Promise<RuleRow[]> {
    return rowsOf<RuleRow>(tx, `SELECT * FROM notification_rule WHERE next_at <= now() ORDER BY next_at LIMIT $1`, [max]);
  }

  /** Takes one time of a digest or review; false: another replica did, or the rule was changed. */
  async take(tx: EntityManager, { name, version }: RuleRow, nextAt: number | null): Promise<boolean> {
    const taken = await changedRows(
      tx,
      `UPDATE notification_rule SET last_at = now(), next_at = to_timestamp($3::float8 / 1000) WHERE name = $1 AND version = $2 AND next_at <= now() RETURNING name`,
      [name, version, nextAt],
    );
    return taken.length === 1;
  }
}

function toRule({ manifest, version, hash, applied_by, next_at, updated_at }: RuleRow): AppliedRule {
  return { manifest, version, hash, appliedBy: applied_by, nextAt: next_at, updatedAt: updated_at };
}
