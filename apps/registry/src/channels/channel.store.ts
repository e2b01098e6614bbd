import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import type { ChannelManifest } from '../manifests/manifest.ts';
import type { AppliedChannel } from './channel.ts';

interface ChannelRow {
  version: number;
  hash: string;
  manifest: ChannelManifest;
  bearer: string;
  applied_by: string;
  paused_reason: string | null;
  last_sent_at: Date | null;
  last_failure: string | null;
  updated_at: Date;
}

interface AppliedBy {
  bearer: string;
  name: string;
}

/** Channels. Every method works in a transaction of one workspace, whose rows alone it sees. */
@Injectable()
export class ChannelStore {
  /** All of them, by name: there are few. */
  async all(tx: EntityManager): Promise<AppliedChannel[]> {
    return (await rowsOf<ChannelRow>(tx, `SELECT * FROM channel ORDER BY name`)).map(toChannel);
  }

  async find(tx: EntityManager, name: string): Promise<AppliedChannel | null> {
    const [row] = await rowsOf<ChannelRow>(tx, `SELECT * FROM channel WHERE name = $1`, [name]);
    return row === undefined ? null : toChannel(row);
  }

  /** Creates the channel or replaces its manifest, and lets a paused one go on; null when somebody else was faster. */
  async put(
    tx: EntityManager,
    workspace: string,
    manifest: ChannelManifest,
    version: number,
    hash: string,
    by: AppliedBy,
  ): Promise<AppliedChannel | null> {
    const [row] = await rowsOf<ChannelRow>(
      tx,
      `INSERT INTO channel AS c (workspace, name, version, hash, manifest, bearer, applied_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (workspace, name) DO UPDATE SET version = excluded.version, hash = excluded.hash, manifest = excluded.manifest,
         bearer = excluded.bearer, applied_by = excluded.applied_by, paused_reason = NULL, updated_at = now()
         WHERE c.version = excluded.version - 1 OR (c.version = excluded.version AND c.hash = excluded.hash)
       RETURNING *`,
      [workspace, manifest.metadata.name, version, hash, JSON.stringify(manifest), by.bearer, by.name],
    );
    return row === undefined ? null : toChannel(row);
  }

  /** The grant of the channel that is gone now, with what waits for it; null: there is none. */
  async delete(tx: EntityManager, name: string): Promise<string | null> {
    const [row] = await changedRows<{ bearer: string }>(tx, `DELETE FROM channel WHERE name = $1 RETURNING bearer`, [name]);
    if (row === undefined) return null;
    const gone = await changedRows<{ id: string }>(tx, `DELETE FROM notification WHERE channel = $1 AND status = 'waiting' RETURNING id`, [
      name,
    ]);
    await tx.query(`DELETE FROM notification_event WHERE notification = ANY($1)`, [gone.map(({ id }) => id)]);
    return row.bearer;
  }

  /** What took it goes on, if it was paused. */
  async sent(tx: EntityManager, name: string): Promise<void> {
    await tx.query(`UPDATE channel SET last_sent_at = now(), last_failure = NULL, paused_reason = NULL WHERE name = $1`, [name]);
  }

  async failed(tx: EntityManager, name: string, reason: string, isGone: boolean): Promise<void> {
    await tx.query(`UPDATE channel SET last_failure = $2, paused_reason = CASE WHEN $3 THEN $2 ELSE paused_reason END WHERE name = $1`, [
      name,
      reason,
      isGone,
    ]);
  }
}

function toChannel(row: ChannelRow): AppliedChannel {
  const { manifest, version, hash, bearer } = row;
  return {
    ...{ manifest, version, hash, bearer },
    appliedBy: row.applied_by,
    pausedReason: row.paused_reason,
    lastSentAt: row.last_sent_at,
    lastFailure: row.last_failure,
    updatedAt: row.updated_at,
  };
}
