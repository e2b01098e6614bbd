import { Injectable } from '@nestjs/common';
import type { ScheduleState, ScheduleView } from '@signalbox/shared/contracts/execution/schedule-view.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { firingColumns, firingView, type FiringRow } from './firing.store.ts';
import type { Source } from './ignition.ts';
import type { ScheduleManifest } from './schedule.ts';

/** Schedules of one workspace: beyond, they are refused. */
const schedulesMax = 10_000;

interface ScheduleRow extends Omit<FiringRow, 'outcome'> {
  name: string;
  id: string;
  workflow: string;
  manifest: string;
  version: number;
  principal_name: string;
  grant_id: string;
  paused_at: Date | null;
  paused_reason: string | null;
  paused_by: string | null;
  next_time: Date | null;
  queued_time: Date | null;
  last_time: Date | null;
  created_at: Date;
  updated_at: Date;
  outcome: FiringRow['outcome'] | null;
}

/** A schedule as it stands. */
export interface StoredSchedule {
  view: ScheduleView;
  manifest: ScheduleManifest;
  source: Source;
}

/** What is written of a schedule. */
export interface ScheduleWrite {
  manifest: ScheduleManifest;
  principalName: string;
  grant: string;
  /** Epoch milliseconds; null: it never comes (any more). `undefined`: as it was. */
  next: number | null | undefined;
  /** How long after its time it is looked at, by its id. */
  offsetMs: (id: string) => number;
}

const select = `SELECT s.*, ${firingColumns} FROM schedule s
  LEFT JOIN LATERAL (SELECT * FROM firing WHERE source = s.id ORDER BY time DESC, key DESC LIMIT 1) f ON true
  LEFT JOIN run r ON r.run_id = f.run_id`;

const stateOf = `CASE WHEN s.paused_at IS NOT NULL THEN 'paused' WHEN s.next_time IS NULL THEN 'ended' ELSE 'active' END`;

const listSql = `${select} WHERE s.workspace = $1 AND s.name > $2 AND ($3::text IS NULL OR s.workflow = $3) AND ($4::text IS NULL OR ${stateOf} = $4)
            AND ($5 = '' OR strpos(lower(s.name || ' ' || s.workflow || ' ' || (s.manifest::json->>'metadata')), lower($5)) > 0)
          ORDER BY s.name LIMIT $6`;
const getSql = `${select} WHERE s.workspace = $1 AND s.name = $2`;

/** Rows of schedules, under row security of the caller's workspace. */
@Injectable()
export class ScheduleStore {
  constructor(private readonly db: WorkspaceDatabase) {}

  /** `not_found` when there is none of this name. */
  async get(workspace: string, name: string): Promise<StoredSchedule> {
    const found = await this.find(workspace, name);
    if (!found) throw unknownSchedule(name);
    return found;
  }

  find(workspace: string, name: string): Promise<StoredSchedule | null> {
    return this.db.inWorkspace(workspace, (tx) => find(tx, workspace, name));
  }

  async list(
    workspace: string,
    filter: { limit?: number; cursor?: string; q?: string; workflow?: string; state?: ScheduleState },
  ): Promise<{ data: ScheduleView[]; nextCursor: string | null }> {
    const limit = filter.limit ?? pageLimitDefault;
    const after = filter.cursor === undefined ? '' : (decodeCursor(filter.cursor, 1)[0] as string);
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<ScheduleRow[]>(listSql, [
        workspace,
        after,
        filter.workflow ?? null,
        filter.state ?? null,
        filter.q ?? '',
        limit + 1,
      ]);
      return pageOf(
        rows,
        limit,
        ({ name }) => [name],
        (row) => storedOf(workspace, row).view,
      );
    });
  }

  /** Writes a schedule. `decide` sees what stands there and may refuse; null: nothing is written. `written` runs in the same transaction. */
  apply(
    workspace: string,
    name: string,
    decide: (current: StoredSchedule | null) => ScheduleWrite | null,
    written: (tx: EntityManager, version: number) => Promise<void>,
  ): Promise<StoredSchedule> {
    return this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM schedule WHERE workspace = $1 AND name = $2 FOR UPDATE`, [workspace, name]);
      const current = await find(tx, workspace, name);
      const write = decide(current);
      if (write === null) return current as StoredSchedule;
      if (current === null) await requireRoom(tx, workspace);
      const id = current?.source.id ?? newUuid();
      const isPaused = current?.view.state === 'paused';
      const kept = current?.view.nextTime ?? null;
      const next = isPaused ? null : write.next === undefined ? (kept === null ? null : Date.parse(kept)) : write.next;
      const rows = await tx.query<{ version: number }[]>(
        `INSERT INTO schedule AS s (workspace, name, id, workflow, manifest, version, principal_name, grant_id, next_time, look_at)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)
         ON CONFLICT (workspace, name) DO UPDATE SET workflow = excluded.workflow, manifest = excluded.manifest, version = s.version + 1,
           principal_name = excluded.principal_name, grant_id = excluded.grant_id, next_time = excluded.next_time, updated_at = now(),
           look_at = CASE WHEN s.queued_time IS NULL THEN excluded.look_at ELSE now() END WHERE s.version = $10
         RETURNING version`,
        [
          workspace,
          name,
          id,
          write.manifest.spec.workflow,
          JSON.stringify(write.manifest),
          write.principalName,
          write.grant,
          next === null ? null : new Date(next),
          next === null ? null : new Date(next + write.offsetMs(id)),
          current?.view.version ?? 0,
        ],
      );
      const [row] = rows;
      if (!row) throw new Fault('conflict', `the schedule ${name} was changed in the same moment`, 'Read it again and repeat the change.');
      await written(tx, row.version);
      return (await find(tx, workspace, name)) as StoredSchedule;
    });
  }

  /** Pauses it; what waited for the end of a run is skipped. Unchanged when it is paused already. */
  pause(
    workspace: string,
    name: string,
    { reason, by }: { reason: string | undefined; by: string },
    written: (tx: EntityManager) => Promise<void>,
  ): Promise<StoredSchedule> {
    return this.change(workspace, name, written, async (tx, { view, source }) => {
      if (view.state === 'paused') return false;
      await tx.query(
        `UPDATE schedule SET paused_at = now(), paused_reason = $3, paused_by = $4, next_time = NULL, queued_time = NULL, look_at = NULL,
           version = version + 1, updated_at = now() WHERE workspace = $1 AND name = $2`,
        [workspace, name, reason ?? null, by],
      );
      await tx.query(
        `UPDATE firing SET outcome = 'skipped', reason = 'the schedule was paused', at = now() WHERE source = $1 AND outcome = 'waiting'`,
        [source.id],
      );
      return true;
    });
  }

  /** Lets it go on, `nextOf` saying from when. Unchanged when it is not paused. */
  resume(
    workspace: string,
    name: string,
    nextOf: (stored: StoredSchedule) => { next: number | null; offsetMs: number },
    written: (tx: EntityManager) => Promise<void>,
  ): Promise<StoredSchedule> {
    return this.change(workspace, name, written, async (tx, stored) => {
      if (stored.view.state !== 'paused') return false;
      const { next, offsetMs } = nextOf(stored);
      await tx.query(
        `UPDATE schedule SET paused_at = NULL, paused_reason = NULL, paused_by = NULL, next_time = $3, look_at = $4, version = version + 1,
           updated_at = now() WHERE workspace = $1 AND name = $2`,
        [workspace, name, next === null ? null : new Date(next), next === null ? null : new Date(next + offsetMs)],
      );
      return true;
    });
  }

  /** Takes it and its history away. `not_found` when there is none. */
  delete(workspace: string, name: string, written: (tx: EntityManager) => Promise<void>): Promise<StoredSchedule> {
    return this.change(workspace, name, written, async (tx, { source }) => {
      await tx.query(`DELETE FROM schedule WHERE workspace = $1 AND name = $2`, [workspace, name]);
      await tx.query(`DELETE FROM firing WHERE source = $1`, [source.id]);
      return true;
    });
  }

  private change(
    workspace: string,
    name: string,
    written: (tx: EntityManager) => Promise<void>,
    change: (tx: EntityManager, stored: StoredSchedule) => Promise<boolean>,
  ): Promise<StoredSchedule> {
    return this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM schedule WHERE workspace = $1 AND name = $2 FOR UPDATE`, [workspace, name]);
      const current = await find(tx, workspace, name);
      if (!current) throw unknownSchedule(name);
      if (!(await change(tx, current))) return current;
      await written(tx);
      return (await find(tx, workspace, name)) ?? current;
    });
  }
}

async function requireRoom(tx: EntityManager, workspace: string): Promise<void> {
  const [count] = await tx.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM schedule WHERE workspace = $1`, [workspace]);
  if ((count?.n ?? 0) < schedulesMax) return;
  throw new Fault('limited', `the workspace has ${schedulesMax} schedules`, 'Delete those that are not needed any more.');
}

async function find(tx: EntityManager, workspace: string, name: string): Promise<StoredSchedule | null> {
  const [row] = await tx.query<ScheduleRow[]>(getSql, [workspace, name]);
  return row ? storedOf(workspace, row) : null;
}

function unknownSchedule(name: string): Fault {
  return new Fault('not_found', `there is no schedule ${name}`, 'Apply its manifest, or look at the list of schedules.');
}

function storedOf(workspace: string, row: ScheduleRow): StoredSchedule {
  const manifest = JSON.parse(row.manifest) as ScheduleManifest;
  const { metadata, spec } = manifest;
  const labels = metadata.labels ?? {};
  return {
    manifest,
    source: {
      workspace,
      id: row.id,
      kind: 'schedule',
      name: row.name,
      workflow: row.workflow,
      labels,
      priority: spec.priority,
      grant: row.grant_id,
      principalName: row.principal_name,
    },
    view: {
      id: fromUuid('sched', row.id),
      name: row.name,
      description: metadata.description ?? null,
      labels,
      workflow: row.workflow,
      cron: spec.cron ?? null,
      every: spec.every === undefined ? null : typeof spec.every === 'number' ? `${spec.every}ms` : spec.every,
      timeZone: spec.timeZone ?? 'UTC',
      overlap: spec.overlap ?? 'skip',
      state: row.paused_at !== null ? 'paused' : row.next_time === null ? 'ended' : 'active',
      pausedReason: row.paused_reason,
      pausedBy: row.paused_by,
      nextTime: row.next_time?.toISOString() ?? null,
      lastTime: row.last_time?.toISOString() ?? null,
      last: row.outcome === null ? null : firingView({ ...row, outcome: row.outcome }),
      appliedBy: row.principal_name,
      version: row.version,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    },
  };
}
