import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { Instance, InstanceStatus, RunnerKind } from '@signalbox/shared/contracts/registry/instance.js';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { instanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { routingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { afterCommit } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { changedRows, Conditions, likeText, rowsOf } from '../database/sql.ts';
import type { InstanceState } from './instance.ts';

export interface InstanceRow {
  workspace: string;
  agent: string;
  instance: string;
  id: string;
  status: InstanceStatus;
  status_reason: string | null;
  capacity: number;
  in_flight: number;
  skills: string[] | null;
  /** Of the agent, as it says; null: it does not. */
  version: number | null;
  is_lost: boolean;
  /** It was lost when it went, also once that is forgotten. */
  was_lost: boolean;
  /** As it said last, also while it is isolated. */
  is_draining: boolean;
  /** Its process is known to have ended: a beat that comes after that does not bring it back. */
  has_ended: boolean;
  runner: RunnerKind;
  event_version: string;
  started_at: Date;
  last_beat_at: Date;
  changed_at: Date;
}

/** What is kept in memory of an instance that is heard. */
export type HeardRow = Pick<
  InstanceRow,
  'id' | 'workspace' | 'agent' | 'instance' | 'status' | 'capacity' | 'in_flight' | 'is_draining' | 'event_version'
> & { agent_id: string; shard: number };

/** When an instance beat last. */
interface LastBeat {
  id: string;
  /** How long ago it was, in milliseconds. */
  ageMs: number;
}

const selectHeard = `SELECT i.id, i.workspace, i.agent, i.instance, i.status, i.capacity, i.in_flight, i.is_draining, i.event_version, i.shard, a.id AS agent_id
  FROM instance AS i JOIN agent AS a ON a.workspace = i.workspace AND a.name = i.agent WHERE i.shard = ANY($1) AND i.status <> 'gone'`;

/** An instance as it is shown. */
export function instanceView(row: InstanceRow): Instance {
  return {
    id: fromUuid('instance', row.id),
    agent: row.agent,
    instance: row.instance,
    status: row.status,
    ...(row.status_reason !== null && { statusReason: row.status_reason }),
    capacity: row.capacity,
    inFlight: row.in_flight,
    runner: row.runner,
    lastBeatAt: row.last_beat_at.toISOString(),
    startedAt: row.started_at.toISOString(),
  };
}

/** Instances. Methods work in a transaction of one workspace, but for those that say otherwise. */
@Injectable()
export class InstanceStore {
  constructor(
    private readonly outbox: Outbox,
    private readonly bus: Bus,
  ) {}

  async find(tx: EntityManager, agent: string, instance: string): Promise<InstanceRow | null> {
    const rows = await rowsOf<InstanceRow>(tx, `SELECT * FROM instance WHERE agent = $1 AND instance = $2`, [agent, instance]);
    return rows[0] ?? null;
  }

  /** Those that may be given work or still have some, the least busy first. */
  beating(tx: EntityManager, agent: string, max: number): Promise<InstanceRow[]> {
    return rowsOf<InstanceRow>(
      tx,
      `SELECT * FROM instance WHERE agent = $1 AND status IN ('live', 'draining') ORDER BY in_flight::float8 / greatest(capacity, 1), instance LIMIT $2`,
      [agent, max],
    );
  }

  /** One more than asked for, by agent and name. */
  list(
    tx: EntityManager,
    {
      agent,
      status,
      q,
      limit = pageLimitDefault,
      cursor,
    }: { agent?: string; status?: InstanceStatus; q?: string; limit?: number; cursor?: string },
  ): Promise<InstanceRow[]> {
    const wanted = new Conditions();
    if (cursor !== undefined) wanted.add('(agent, instance) > ($, $)', ...decodeCursor(cursor, 2));
    if (agent !== undefined) wanted.add('agent = $', agent);
    if (status !== undefined) wanted.add('status = $', status);
    if (q !== undefined) wanted.add('search LIKE $', `%${likeText(q.toLowerCase())}%`);
    return rowsOf<InstanceRow>(
      tx,
      `SELECT * FROM instance WHERE ${wanted.text} ORDER BY agent, instance LIMIT ${limit + 1}`,
      wanted.values,
    );
  }

  /** How many that take work say that they run the version. */
  async countRunning(tx: EntityManager, agent: string, version: number): Promise<number> {
    const rows = await rowsOf<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM instance WHERE agent = $1 AND version = $2 AND status = 'live'`,
      [agent, version],
    );
    return rows[0]!.count;
  }

  async beatingCount(tx: EntityManager, agent: string): Promise<number> {
    const rows = await rowsOf<{ count: number }>(tx, `SELECT count(*)::int AS count FROM instance WHERE agent = $1 AND status <> 'gone'`, [
      agent,
    ]);
    return rows[0]!.count;
  }

  /** Writes an instance as a beat left it, and tells it. `skills` stays as it was where none are given. */
  async put(
    tx: EntityManager,
    row: {
      workspace: string;
      agent: string;
      instance: string;
      id: string;
      state: InstanceState;
      isLost: boolean;
      skills?: string[];
      version?: number;
      reason?: string;
    },
  ): Promise<InstanceRow> {
    const { workspace, agent, instance, id, state, isLost, skills, version, reason } = row;
    const [written] = await rowsOf<InstanceRow>(
      tx,
      `INSERT INTO instance AS i (workspace, agent, instance, id, status, status_reason, capacity, in_flight, skills, is_lost, was_lost, version, is_draining,
         runner, event_version)
       VALUES ($1, $2, $3, $4,
         CASE WHEN $5 = 'live' AND EXISTS (SELECT 1 FROM isolation WHERE agent = $2 AND instance = $3 AND state <> 'trial') THEN 'isolated' ELSE $5 END,
         coalesce($6, (SELECT because FROM isolation WHERE $5 <> 'gone' AND agent = $2 AND instance = $3 AND state <> 'trial')), $7, $8, $9, $10, $10, $11, $12,
         CASE WHEN EXISTS (SELECT 1 FROM runner_process WHERE registered_agent = $2 AND instance = $3) THEN 'local' ELSE 'external' END, 1)
       ON CONFLICT (workspace, agent, instance) DO UPDATE SET status = excluded.status, status_reason = excluded.status_reason, is_lost = excluded.is_lost, was_lost = excluded.was_lost,
         capacity = excluded.capacity, in_flight = excluded.in_flight, skills = coalesce(excluded.skills, i.skills), version = coalesce(excluded.version, i.version), runner = excluded.runner,
         is_draining = excluded.is_draining,
         event_version = i.event_version + 1, last_beat_at = now(), changed_at = now(),
         started_at = CASE WHEN i.status = 'gone' THEN now() ELSE i.started_at END
       RETURNING *`,
      [
        ...[workspace, agent, instance, id, state.status, reason ?? null, state.capacity, state.inFlight, skills ?? null, isLost],
        ...[version ?? null, state.isDraining],
      ],
    );
    // Losses count since somebody came last: one who came makes up for them.
    if (state.status === 'live') await this.forgetLosses(tx, agent);
    await this.tell(tx, written!);
    return written!;
  }

  /** Marks an instance as isolated, or with null as let in again, live or draining as it says itself. One that is gone stays so. The agent must be locked. */
  async setIsolated(tx: EntityManager, agent: string, instance: string, because: string | null): Promise<void> {
    const rows = await changedRows<InstanceRow>(
      tx,
      `UPDATE instance SET status = CASE WHEN $3::text IS NOT NULL THEN 'isolated' WHEN is_draining THEN 'draining' ELSE 'live' END, status_reason = $3::text,
         event_version = event_version + 1, changed_at = now()
       WHERE agent = $1 AND instance = $2 AND CASE WHEN $3::text IS NULL THEN status = 'isolated' ELSE status <> 'gone' END RETURNING *`,
      [agent, instance, because],
    );
    for (const row of rows) await this.tell(tx, row);
  }

  /** Lost instances of the agent are only gone from now on. */
  async forgetLosses(tx: EntityManager, agent: string): Promise<void> {
    await tx.query(`UPDATE instance SET is_lost = false WHERE agent = $1 AND is_lost`, [agent]);
  }

  /** Marks an instance as gone whose process is known to have ended. The agent must be locked. */
  async leave(tx: EntityManager, agent: string, instance: string, reason: string, isLost: boolean): Promise<void> {
    await tx.query(`UPDATE instance SET has_ended = true WHERE agent = $1 AND instance = $2`, [agent, instance]);
    const rows = await changedRows<InstanceRow>(
      tx,
      `UPDATE instance SET status = 'gone', status_reason = $3, is_lost = $4, was_lost = $4, in_flight = 0, event_version = event_version + 1,
         changed_at = now()
       WHERE agent = $1 AND instance = $2 AND status <> 'gone' RETURNING *`,
      [agent, instance, reason, isLost],
    );
    for (const row of rows) await this.tell(tx, row);
  }

  /** Marks instances of an agent as gone that missed their beats; answers those that were not gone already. The agent must be locked. */
  async markLost(tx: EntityManager, agent: string, late: readonly LastBeat[]): Promise<InstanceRow[]> {
    const rows = await changedRows<InstanceRow>(
      tx,
      `UPDATE instance AS i SET status = 'gone', status_reason = 'it missed its beats', is_lost = true, was_lost = true, in_flight = 0,
         event_version = i.event_version + 1, changed_at = now(), last_beat_at = now() - late.age * interval '1 millisecond'
       FROM unnest($2::uuid[], $3::float8[]) AS late(id, age) WHERE i.agent = $1 AND i.id = late.id AND i.status <> 'gone' RETURNING i.*`,
      [agent, late.map(({ id }) => id), late.map(({ ageMs }) => ageMs)],
    );
    for (const row of rows) await this.tell(tx, row);
    return rows;
  }

  /** Writes beats of any workspace, by the system's role; answers the ids that were there and not gone. */
  async writeBeats(tx: EntityManager, beats: readonly (LastBeat & { inFlight: number })[]): Promise<Set<string>> {
    const rows = await changedRows<{ id: string }>(
      tx,
      `UPDATE instance AS i SET in_flight = b.in_flight, last_beat_at = greatest(i.last_beat_at, now() - b.age * interval '1 millisecond')
       FROM unnest($1::uuid[], $2::int[], $3::float8[]) AS b(id, in_flight, age) WHERE i.id = b.id AND i.status <> 'gone' RETURNING i.id`,
      [beats.map((beat) => beat.id), beats.map((beat) => beat.inFlight), beats.map((beat) => beat.ageMs)],
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Instances of any workspace in these shards that are not gone, by the system's role. */
  inShards(tx: EntityManager, shards: readonly number[]): Promise<HeardRow[]> {
    return rowsOf(tx, selectHeard, [shards]);
  }

  /** Of these, those that came or changed within the last five minutes. */
  cameLately(tx: EntityManager, shards: readonly number[]): Promise<HeardRow[]> {
    return rowsOf(tx, `${selectHeard} AND i.changed_at > now() - interval '5 minutes'`, [shards]);
  }

  /** Forgets instances of any workspace that are gone for so long, by the system's role; answers their agents. */
  async forget(tx: EntityManager, ageMs: number, max: number): Promise<{ workspace: string; agent: string }[]> {
    return changedRows(
      tx,
      `DELETE FROM instance WHERE id IN
         (SELECT id FROM instance WHERE status = 'gone' AND changed_at < now() - $1 * interval '1 millisecond'
          LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING workspace, agent`,
      [ageMs, max],
    );
  }

  private async tell(tx: EntityManager, row: InstanceRow): Promise<void> {
    const { agent, instance, status, capacity, workspace } = row;
    const [id, version] = [fromUuid('instance', row.id), Number(row.event_version)];
    const routed = { agent, change: 'instance' as const, instance: { id, instance, status, capacity } };
    afterCommit(tx, () => this.bus.publishLive(routingChanged, routed, { workspace, entity: row.id, version }));
    await this.outbox.append(tx, instanceChanged, {
      workspace,
      entity: row.id,
      version,
      payload: {
        ...{ id, agent, instance, status, capacity },
        ...(row.status_reason !== null && { statusReason: row.status_reason }),
        ...(row.is_lost && { isLost: true }),
      },
    });
  }
}
