import { Injectable } from '@nestjs/common';
import type { AgentKind, AgentStatus } from '@signalbox/shared/contracts/registry/agent.js';
import { stages } from '@signalbox/shared/contracts/registry/stage.js';
import { decodeCursor, decodePosition, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { EntityManager } from 'typeorm';
import { changedRows, Conditions, labelsWanted, rowsOf, searchPatterns } from '../database/sql.ts';
import type { AgentManifest } from '../manifests/manifest.ts';
import { descriptionOf, searchText, unknownAgent, unknownVersion } from './agent.ts';
import type { AgentRow } from './agent-row.ts';

/** The last stage that the current version of agent `a` is at. */
export const stageOfAgent = `(SELECT s.stage FROM agent_stage AS s WHERE s.workspace = a.workspace AND s.agent = a.id
  AND s.version = a.version
  ORDER BY array_position(ARRAY[${stages.map((stage) => `'${stage}'`).join(', ')}], s.stage) DESC LIMIT 1)`;

/** Agents with counts of their instances that beat: only those are counted that are asked for. */
const withCounts = (agents: string): string => `SELECT a.*, ${stageOfAgent} AS stage, i.* FROM (${agents}) AS a CROSS JOIN LATERAL (
  SELECT count(*)::int AS live, coalesce(sum(capacity), 0)::int AS capacity, coalesce(sum(in_flight), 0)::int AS in_flight
  FROM instance WHERE workspace = a.workspace AND agent = a.name AND status IN ('live', 'draining')) AS i`;

export interface AgentVersionRow {
  version: number;
  hash: string;
  manifest: AgentManifest;
  created_by: string;
  created_at: Date;
}

/** An agent that is kept from others. */
export interface LockedAgent {
  id: string;
  /** The current version. */
  version: number;
  hash: string;
  /** The version that was applied last: one that is rolled out, or was rolled back, is not the current one. */
  latest: number;
}

export interface AgentQuery {
  kind?: AgentKind;
  status?: AgentStatus;
  labels?: string[];
  q?: string;
  limit?: number;
  cursor?: string;
}

/** Agents and their versions. Every method works in a transaction of one workspace, whose rows alone it sees. */
@Injectable()
export class AgentStore {
  async find(tx: EntityManager, name: string): Promise<AgentRow | null> {
    const rows = await rowsOf<AgentRow>(tx, withCounts(`SELECT * FROM agent WHERE name = $1`), [name]);
    return rows[0] ?? null;
  }

  /** Keeps others from changing the agent until the transaction ends. */
  async lock(tx: EntityManager, name: string): Promise<LockedAgent | null> {
    const rows = await rowsOf<LockedAgent>(
      tx,
      `SELECT id, version, hash, (SELECT max(v.version) FROM agent_version AS v WHERE v.workspace = a.workspace AND v.agent = a.id) AS latest
       FROM agent AS a WHERE name = $1 FOR UPDATE`,
      [name],
    );
    return rows[0] ?? null;
  }

  /** False when somebody else created it meanwhile. */
  async insert(tx: EntityManager, workspace: string, id: string, manifest: AgentManifest, hash: string): Promise<boolean> {
    const rows = await rowsOf(
      tx,
      `INSERT INTO agent (workspace, name, id, kind, description, labels, skills, search, version, hash, event_version, status, status_reason)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, 0, 'unknown', NULL) ON CONFLICT (workspace, name) DO NOTHING RETURNING name`,
      [workspace, manifest.metadata.name, id, ...contentColumns(manifest), hash],
    );
    return rows.length === 1;
  }

  /** Makes a version the current one. */
  async update(tx: EntityManager, manifest: AgentManifest, version: number, hash: string): Promise<void> {
    await tx.query(
      `UPDATE agent SET kind = $2, description = $3, labels = $4, skills = $5, search = $6, version = $7, hash = $8,
         probed = NULL, probe_note = NULL, updated_at = now() WHERE name = $1`,
      [manifest.metadata.name, ...contentColumns(manifest), version, hash],
    );
    // Who waited for the agent's lock began before others that have changed it since: the time is that of now.
    await tx.query(
      `UPDATE agent_version SET current_at = clock_timestamp() WHERE agent = (SELECT id FROM agent WHERE name = $1) AND version = $2`,
      [manifest.metadata.name, version],
    );
  }

  /** Of what is to be the current version the agent says so already. */
  async insertVersion(
    tx: EntityManager,
    workspace: string,
    agent: string,
    { version, hash, manifest, createdBy }: { version: number; hash: string; manifest: AgentManifest; createdBy: string },
  ): Promise<void> {
    await tx.query(
      `INSERT INTO agent_version (workspace, agent, version, hash, manifest, created_by, current_at)
       VALUES ($1, $2, $3, $4, $5, $6, (SELECT clock_timestamp() FROM agent WHERE id = $2 AND version = $3))`,
      [workspace, agent, version, hash, JSON.stringify(manifest), createdBy],
    );
  }

  /** A version of an agent, the current one if absent. */
  async version(tx: EntityManager, agent: Pick<AgentRow, 'id' | 'version'>, version?: number): Promise<AgentVersionRow | null> {
    const rows = await rowsOf<AgentVersionRow>(tx, `SELECT * FROM agent_version WHERE agent = $1 AND version = $2`, [
      agent.id,
      version ?? agent.version,
    ]);
    return rows[0] ?? null;
  }

  /** An agent at a version of it, the current one if absent; `not_found` where there is none. */
  async atVersion(tx: EntityManager, name: string, version?: number): Promise<{ id: string; version: number; current: number }> {
    const [row] = await rowsOf<{ id: string; version: number | null; current: number }>(
      tx,
      `SELECT a.id, v.version, a.version AS current FROM agent AS a
         LEFT JOIN agent_version AS v ON v.workspace = a.workspace AND v.agent = a.id AND v.version = coalesce($2, a.version)
       WHERE a.name = $1`,
      [name, version ?? null],
    );
    if (row === undefined) throw unknownAgent(name);
    if (row.version === null) throw unknownVersion(name, version!, row.current);
    return { ...row, version: row.version };
  }

  /** One more than asked for, the newest first. */
  versions(tx: EntityManager, agent: string, limit: number, cursor: string | undefined): Promise<AgentVersionRow[]> {
    const before = cursor === undefined ? null : decodePosition(cursor);
    return rowsOf<AgentVersionRow>(
      tx,
      `SELECT * FROM agent_version WHERE agent = $1 AND ($2::int IS NULL OR version < $2) ORDER BY version DESC LIMIT $3`,
      [agent, before, limit + 1],
    );
  }

  /** One more than asked for, in order of names. */
  list(tx: EntityManager, { kind, status, labels, q, limit = pageLimitDefault, cursor }: AgentQuery): Promise<AgentRow[]> {
    const wanted = new Conditions();
    if (cursor !== undefined) wanted.add('name > $', ...decodeCursor(cursor, 1));
    if (kind !== undefined) wanted.add('kind = $', kind);
    if (status !== undefined) wanted.add('status = $', status);
    if (labels !== undefined) wanted.add('labels @> $::jsonb', labelsWanted(labels));
    for (const pattern of searchPatterns(q)) wanted.add('search LIKE $', pattern);
    const page = `SELECT * FROM agent WHERE ${wanted.text} ORDER BY name LIMIT ${limit + 1}`;
    return rowsOf<AgentRow>(tx, `${withCounts(page)} ORDER BY a.name`, wanted.values);
  }

  async count(tx: EntityManager): Promise<number> {
    const rows = await rowsOf<{ count: number }>(tx, `SELECT count(*)::int AS count FROM agent`);
    return rows[0]!.count;
  }

  /** Deletes the agent with all that belongs to it, but for what nobody may delete: its evidence and the history of its stages. */
  async delete(tx: EntityManager, name: string): Promise<void> {
    await tx.query(`DELETE FROM instance WHERE agent = $1`, [name]);
    await tx.query(`DELETE FROM isolation WHERE agent = $1`, [name]);
    await tx.query(`DELETE FROM step_history WHERE agent = $1`, [name]);
    await tx.query(`DELETE FROM kpi_bucket WHERE agent = $1`, [name]);
    await tx.query(`DELETE FROM kpi_burn WHERE agent = $1`, [name]);
    const rows = await changedRows<{ id: string }>(tx, `DELETE FROM agent WHERE name = $1 RETURNING id`, [name]);
    await tx.query(`DELETE FROM agent_version WHERE agent = $1`, [rows[0]!.id]);
    await tx.query(`DELETE FROM agent_stage WHERE agent = $1`, [rows[0]!.id]);
    await tx.query(`DELETE FROM rollout_entry WHERE rollout IN (SELECT id FROM rollout WHERE agent = $1)`, [rows[0]!.id]);
    await tx.query(`DELETE FROM rollout_pair WHERE rollout IN (SELECT id FROM rollout WHERE agent = $1)`, [rows[0]!.id]);
    await tx.query(`DELETE FROM rollout WHERE agent = $1`, [rows[0]!.id]);
  }

  /** A started deployment that has the agent, by its name. */
  async heldBy(tx: EntityManager, name: string): Promise<string | null> {
    const rows = await rowsOf<{ name: string }>(
      tx,
      `SELECT name FROM deployment WHERE started AND EXISTS (
         SELECT 1 FROM jsonb_array_elements(manifest -> 'spec' -> 'agents') AS member WHERE coalesce(member ->> 'agent', member ->> 'name') = $1
       ) ORDER BY name LIMIT 1`,
      [name],
    );
    return rows[0]?.name ?? null;
  }
}

function contentColumns(manifest: AgentManifest): unknown[] {
  const { metadata, spec } = manifest;
  return [
    spec.kind,
    descriptionOf(manifest),
    JSON.stringify(metadata.labels ?? {}),
    JSON.stringify(spec.skills ?? []),
    searchText(manifest),
  ];
}
