import { Injectable } from '@nestjs/common';
import { decodeCursor } from '@signalbox/shared/bus/page.js';
import type { EntityManager } from 'typeorm';
import { changedRows, labelsWanted, rowsOf, searchPatterns } from '../database/sql.ts';
import type { DeploymentManifest } from '../manifests/manifest.ts';

export interface DeploymentRow {
  workspace: string;
  name: string;
  id: string;
  description: string;
  labels: Record<string, string>;
  version: number;
  hash: string;
  manifest: DeploymentManifest;
  event_version: string;
  started: boolean;
  started_at: Date | null;
  started_by: string | null;
  /** The grant that the deployment acts by. */
  bearer: string | null;
  owner: string | null;
  /** Hashes of its agents at the last start, by their names in the deployment. */
  agent_hashes: Record<string, string>;
  /** Since when what is there is not what is wanted; null: it is. */
  drifted_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** More than this a plan does not name: who reads it knows by then that many are concerned. */
const sharingMax = 1_000;

/** Deployments. Methods work in a transaction of one workspace, but for those that say otherwise. */
@Injectable()
export class DeploymentStore {
  async find(tx: EntityManager, name: string, options: { lock?: boolean } = {}): Promise<DeploymentRow | null> {
    const rows = await rowsOf<DeploymentRow>(tx, `SELECT * FROM deployment WHERE name = $1 ${options.lock ? 'FOR UPDATE' : ''}`, [name]);
    return rows[0] ?? null;
  }

  /** In order of names, after a name or from the first. */
  list(
    tx: EntityManager,
    { labels, q, limit, after }: { labels?: string[]; q?: string; limit: number; after: string },
  ): Promise<DeploymentRow[]> {
    return rowsOf<DeploymentRow>(
      tx,
      `SELECT * FROM deployment WHERE name > $1 AND labels @> $2::jsonb AND search LIKE ALL ($3::text[]) ORDER BY name LIMIT $4`,
      [after, labelsWanted(labels), searchPatterns(q), limit],
    );
  }

  async count(tx: EntityManager): Promise<number> {
    const rows = await rowsOf<{ count: number }>(tx, `SELECT count(*)::int AS count FROM deployment`);
    return rows[0]!.count;
  }

  /** Null when somebody else created it meanwhile. */
  async insert(
    tx: EntityManager,
    workspace: string,
    id: string,
    manifest: DeploymentManifest,
    hash: string,
  ): Promise<DeploymentRow | null> {
    const rows = await rowsOf<DeploymentRow>(
      tx,
      `INSERT INTO deployment (workspace, name, id, description, labels, search, manifest, version, hash, event_version)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, 0) ON CONFLICT (workspace, name) DO NOTHING RETURNING *`,
      [workspace, manifest.metadata.name, id, ...contentColumns(manifest), hash],
    );
    return rows[0] ?? null;
  }

  async update(tx: EntityManager, manifest: DeploymentManifest, version: number, hash: string): Promise<DeploymentRow> {
    const rows = await changedRows<DeploymentRow>(
      tx,
      `UPDATE deployment SET description = $2, labels = $3, search = $4, manifest = $5, version = $6, hash = $7, updated_at = now()
       WHERE name = $1 RETURNING *`,
      [manifest.metadata.name, ...contentColumns(manifest), version, hash],
    );
    return rows[0]!;
  }

  /** `hashes`: those of its agents now, by their names in it. */
  async start(tx: EntityManager, name: string, bearer: string, by: string, hashes: Record<string, string>): Promise<DeploymentRow> {
    const rows = await changedRows<DeploymentRow>(
      tx,
      `UPDATE deployment SET started = true, started_at = now(), started_by = $3, bearer = $2, agent_hashes = $4, updated_at = now() WHERE name = $1 RETURNING *`,
      [name, bearer, by, JSON.stringify(hashes)],
    );
    return rows[0]!;
  }

  async stop(tx: EntityManager, name: string): Promise<DeploymentRow> {
    const rows = await changedRows<DeploymentRow>(
      tx,
      `UPDATE deployment SET started = false, updated_at = now() WHERE name = $1 RETURNING *`,
      [name],
    );
    return rows[0]!;
  }

  async delete(tx: EntityManager, { name, id }: Pick<DeploymentRow, 'name' | 'id'>): Promise<void> {
    await tx.query(`DELETE FROM deployment_step WHERE deployment = $1`, [id]);
    await tx.query(`DELETE FROM deployment_member WHERE deployment = $1`, [id]);
    await tx.query(`DELETE FROM agent_scale WHERE deployment = $1`, [id]);
    await tx.query(`DELETE FROM runner_process WHERE deployment = $1`, [id]);
    await tx.query(`DELETE FROM deployment WHERE name = $1`, [name]);
  }

  /** Which other deployments that are started have members of these registered names too. */
  async sharing(tx: EntityManager, name: string, registered: readonly string[]): Promise<Map<string, string[]>> {
    const rows = await rowsOf<{ deployment: string; registered: string }>(
      tx,
      `SELECT DISTINCT d.name AS deployment, m.registered FROM deployment AS d, LATERAL (
         SELECT coalesce(a ->> 'agent', a ->> 'name') AS registered FROM jsonb_array_elements(d.manifest #> '{spec,agents}') AS a
         UNION ALL
         SELECT (b ->> 'kind') || ':' || coalesce(b ->> 'ref', b ->> 'name') FROM jsonb_array_elements(d.manifest #> '{spec,members}') AS b
       ) AS m WHERE d.name <> $1 AND d.started AND m.registered = ANY($2) ORDER BY deployment LIMIT $3`,
      [name, registered, sharingMax],
    );
    const sharing = new Map<string, string[]>();
    for (const row of rows) sharing.set(row.registered, [...(sharing.get(row.registered) ?? []), row.deployment]);
    return sharing;
  }

  /** One more for the deployment's events. */
  async nextEventVersion(tx: EntityManager, name: string): Promise<number> {
    const rows = await changedRows<{ event_version: string }>(
      tx,
      `UPDATE deployment SET event_version = event_version + 1, updated_at = now() WHERE name = $1 RETURNING event_version`,
      [name],
    );
    return Number(rows[0]!.event_version);
  }

  async setDrifted(tx: EntityManager, name: string, hasDrifted: boolean): Promise<void> {
    await tx.query(`UPDATE deployment SET drifted_at = CASE WHEN $2 THEN now() END WHERE name = $1`, [name, hasDrifted]);
  }

  /** Forgets the grant once all that was done with it is undone: from then on nobody needs to hold the deployment. */
  async endBearer(tx: EntityManager, name: string): Promise<void> {
    await tx.query(
      `UPDATE deployment SET bearer = NULL, owner = NULL, drifted_at = NULL, lease_until = NULL WHERE name = $1 AND NOT started`,
      [name],
    );
  }

  /**
   * Takes or keeps deployments of any workspace for a replica, by the system's role: those that it has, that nobody has, and whose holder does
   * not renew. Answers all that it holds now, also stopped ones whose traces are still to be removed.
   */
  async hold(tx: EntityManager, owner: string, leaseMs: number, max: number): Promise<DeploymentRow[]> {
    return changedRows<DeploymentRow>(
      tx,
      `UPDATE deployment SET owner = $1, lease_until = now() + $2 * interval '1 millisecond' WHERE id IN
         (SELECT id FROM deployment WHERE bearer IS NOT NULL AND (owner IS NULL OR owner = $1 OR lease_until < now())
          ORDER BY (owner = $1) IS TRUE DESC LIMIT $3)
         AND (owner IS NULL OR owner = $1 OR lease_until < now())
       RETURNING *`,
      [owner, leaseMs, max],
    );
  }

  /** Lets deployments go, so that another replica need not wait; by the system's role. */
  async release(tx: EntityManager, owner: string, id?: string): Promise<void> {
    await tx.query(`UPDATE deployment SET owner = NULL, lease_until = NULL WHERE owner = $1 AND ($2::uuid IS NULL OR id = $2)`, [
      owner,
      id ?? null,
    ]);
  }
}

function contentColumns(manifest: DeploymentManifest): unknown[] {
  const { name, description = '', labels = {} } = manifest.metadata;
  return [description, JSON.stringify(labels), `${name}\n${description}`.toLowerCase(), JSON.stringify(manifest)];
}

/** The name after which a page begins. */
export function nameAfter(cursor: string | undefined): string {
  return cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
}
