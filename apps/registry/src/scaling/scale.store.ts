import { Injectable } from '@nestjs/common';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { rowsOf } from '../database/sql.ts';
import type { AgentManifest } from '../manifests/manifest.ts';

export interface ScaleChangeRow {
  deployment: string;
  from_count: number;
  to_count: number;
  because: string;
  at: Date;
}

/** An agent whose manifest has `worker.autoscale`. */
export interface ScaledAgent {
  name: string;
  manifest: AgentManifest;
  live: number;
  /** What the local runner keeps up of it, over all deployments; null: it keeps none. */
  wanted: number | null;
  because: string | null;
}

/** Of an agent, so many of the last changes are kept. */
const changesMax = 20;

const selectScaled = `SELECT a.name, v.manifest, (SELECT count(*)::int FROM instance AS i WHERE i.agent = a.name AND i.status IN ('live', 'draining')) AS live,
    (SELECT sum(s.wanted)::int FROM agent_scale AS s WHERE s.agent = a.name) AS wanted,
    (SELECT s.because FROM agent_scale AS s WHERE s.agent = a.name ORDER BY s.at DESC LIMIT 1) AS because
  FROM agent AS a JOIN agent_version AS v ON v.workspace = a.workspace AND v.agent = a.id AND v.version = a.version`;

/** How many processes the pools of the local runner are to have. Every method works in a transaction of one workspace. */
@Injectable()
export class ScaleStore {
  /** By its name in the deployment. Null: it was never scaled. */
  async wantedOf(tx: EntityManager, deployment: string, member: string): Promise<number | null> {
    const rows = await rowsOf<{ wanted: number }>(tx, `SELECT wanted FROM agent_scale WHERE deployment = $1 AND member = $2`, [
      deployment,
      member,
    ]);
    return rows[0]?.wanted ?? null;
  }

  /** How many other deployments keep up of an agent, as far as they were scaled. */
  async wantedByOthers(tx: EntityManager, agent: string, deployment: string): Promise<number> {
    const rows = await rowsOf<{ wanted: number }>(
      tx,
      `SELECT coalesce(sum(wanted), 0)::int AS wanted FROM agent_scale WHERE agent = $1 AND deployment <> $2`,
      [agent, deployment],
    );
    return rows[0]!.wanted;
  }

  /** Writes how many there are to be, and that it was changed. */
  async put(
    tx: EntityManager,
    pool: { workspace: string; deployment: string; name: string; member: string; agent: string },
    from: number,
    to: number,
    because: string,
  ): Promise<void> {
    const { workspace, deployment, name, member, agent } = pool;
    await tx.query(
      `INSERT INTO agent_scale (workspace, deployment, member, agent, wanted, because, at) VALUES ($1, $2, $3, $4, $5, $6, now())
       ON CONFLICT (workspace, deployment, member) DO UPDATE SET agent = excluded.agent, wanted = excluded.wanted, because = excluded.because, at = now()`,
      [workspace, deployment, member, agent, to, because],
    );
    await tx.query(
      `INSERT INTO agent_scale_change (workspace, agent, id, deployment, from_count, to_count, because, at) VALUES ($1, $2, $3, $4, $5, $6, $7, now())`,
      [workspace, agent, newUuid(), name, from, to, because],
    );
    await tx.query(
      `DELETE FROM agent_scale_change WHERE agent = $1 AND id NOT IN (SELECT id FROM agent_scale_change WHERE agent = $1 ORDER BY id DESC LIMIT $2)`,
      [agent, changesMax],
    );
  }

  changes(tx: EntityManager, agent: string): Promise<ScaleChangeRow[]> {
    return rowsOf<ScaleChangeRow>(tx, `SELECT * FROM agent_scale_change WHERE agent = $1 ORDER BY id DESC LIMIT $2`, [agent, changesMax]);
  }

  /** The deployment runs no process any more. */
  async forget(tx: EntityManager, deployment: string): Promise<void> {
    await tx.query(`DELETE FROM agent_scale WHERE deployment = $1`, [deployment]);
  }

  async find(tx: EntityManager, agent: string): Promise<ScaledAgent | null> {
    return (await rowsOf<ScaledAgent>(tx, `${selectScaled} WHERE a.name = $1`, [agent]))[0] ?? null;
  }

  /** Those with `worker.autoscale`, in order of names, after a name or from the first. */
  list(tx: EntityManager, after: string, limit: number): Promise<ScaledAgent[]> {
    return rowsOf<ScaledAgent>(
      tx,
      `${selectScaled} WHERE a.kind = 'worker' AND a.name > $1 AND v.manifest #> '{spec,worker,autoscale}' IS NOT NULL ORDER BY a.name LIMIT $2`,
      [after, limit],
    );
  }
}
