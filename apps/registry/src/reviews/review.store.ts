import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { likeText, rowsOf } from '../database/sql.ts';
import type { AgentManifest } from '../manifests/manifest.ts';

export interface PendingReview {
  agent: string;
  version: number;
  manifest: AgentManifest;
  changed_at: Date;
  changed_by: string;
  /** The version that was signed off last; null: none. */
  signed: number | null;
  signed_manifest: AgentManifest | null;
  signed_by: string | null;
  signed_at: Date | null;
}

/** Which versions of agents somebody has looked at. Every method works in a transaction of one workspace. */
@Injectable()
export class ReviewStore {
  /** Agents whose current version is not signed off, by name; one more than asked for. */
  list(tx: EntityManager, { limit, after = '', q = '' }: { limit: number; after?: string; q?: string }): Promise<PendingReview[]> {
    return rowsOf<PendingReview>(
      tx,
      `SELECT a.name AS agent, v.version, v.manifest, v.created_at AS changed_at, v.created_by AS changed_by,
         s.version AS signed, w.manifest AS signed_manifest, s.by_name AS signed_by, s.at AS signed_at
       FROM agent AS a
       JOIN agent_version AS v ON v.workspace = a.workspace AND v.agent = a.id AND v.version = a.version
       LEFT JOIN LATERAL (SELECT version, by_name, at FROM sign_off WHERE workspace = a.workspace AND agent = a.id ORDER BY version DESC LIMIT 1) AS s ON true
       LEFT JOIN agent_version AS w ON w.workspace = a.workspace AND w.agent = a.id AND w.version = s.version
       WHERE a.name > $1 AND a.name LIKE $2 AND NOT EXISTS
         (SELECT 1 FROM sign_off AS o WHERE o.workspace = a.workspace AND o.agent = a.id AND o.version = a.version)
       ORDER BY a.name LIMIT $3`,
      [after, `%${likeText(q.toLowerCase())}%`, limit + 1],
    );
  }

  /** Null: somebody has signed it off already. */
  async signOff(
    tx: EntityManager,
    {
      workspace,
      agent,
      version,
      by,
      byName,
      note,
    }: { workspace: string; agent: string; version: number; by: string; byName: string; note: string | undefined },
  ): Promise<Date | null> {
    const [row] = await rowsOf<{ at: Date }>(
      tx,
      `INSERT INTO sign_off (workspace, agent, version, by_principal, by_name, note) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING at`,
      [workspace, agent, version, by, byName, note ?? null],
    );
    return row?.at ?? null;
  }
}
