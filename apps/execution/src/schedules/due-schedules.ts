import { Injectable } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { liveRuns, record, type Firing } from './firing.store.ts';
import { nextAfter } from './rhythm.ts';
import { scheduleOf, type Schedule, type ScheduleManifest } from './schedule.ts';
import { offsetOf } from './move.ts';
import type { Source } from './ignition.ts';

/** Who looks at a schedule has it for so long; then another may look, and finds by its start keys what was started. */
const claimMs = 5_000;
/** Start keys live a day: a look that began earlier than this may have started what cannot be found any more. */
const doubtMs = 23 * 3_600_000;
/** A queued time is looked after this often, beside the event of a run's end. */
const queueMs = 5_000;

interface DueRow {
  workspace: string;
  id: string;
  name: string;
  workflow: string;
  manifest: string;
  version: number;
  principal_name: string;
  grant_id: string;
  next_time: Date | null;
  queued_time: Date | null;
  due_at: Date;
}

/** How far a schedule is. Epoch milliseconds; null: nothing. */
export interface Progress {
  next: number | null;
  queued: number | null;
}

/** A schedule that is looked at. */
export interface Due extends Progress {
  source: Source;
  schedule: Schedule;
  version: number;
  offsetMs: number;
  /** Who looked at it last may have started the next time, so long ago that the start key is gone: nobody can tell. */
  isDoubtful: boolean;
}

/** Schedules that are due, of all workspaces: each is looked at by one replica at a time, whoever comes first. */
@Injectable()
export class DueSchedules {
  constructor(private readonly system: SystemDatabase) {}

  /** Takes what is to be looked at, the longest due first. */
  async claim(most: number): Promise<Due[]> {
    const [rows]: [DueRow[]] = await this.system.source.query(
      `UPDATE schedule s SET look_at = now() + $2 * interval '1 millisecond'
         FROM (SELECT workspace, name, look_at FROM schedule WHERE look_at <= now() ORDER BY look_at LIMIT $1 FOR UPDATE SKIP LOCKED) due
        WHERE s.workspace = due.workspace AND s.name = due.name
        RETURNING s.workspace, s.id, s.name, s.workflow, s.manifest, s.version, s.principal_name, s.grant_id, s.next_time, s.queued_time,
          due.look_at AS due_at`,
      [most, claimMs],
    );
    return rows.flatMap((row) => {
      try {
        return [dueOf(row)];
      } catch (err) {
        // It was checked when it was applied, by another version perhaps: the others are not held up by it.
        log.error('a schedule cannot be read', { workspace: row.workspace, schedule: row.name, err });
        return [];
      }
    });
  }

  /** When something has to be looked at next, epoch milliseconds; null: nothing has. */
  async nextLook(): Promise<number | null> {
    const rows: { at: Date | null }[] = await this.system.source.query(`SELECT min(look_at) AS at FROM schedule WHERE look_at IS NOT NULL`);
    return rows[0]?.at?.getTime() ?? null;
  }

  liveRuns(due: Due): Promise<string[]> {
    return liveRuns(this.system.source, due.source.id);
  }

  /** The run that was started for a moment by who crashed before saying so, as UUID. */
  async startedFor({ source }: Due, key: string): Promise<string | null> {
    const rows: { run_id: string }[] = await this.system.source.query(
      `SELECT run_id FROM start_key WHERE workspace = $1 AND key = $2 AND expires > now()`,
      [source.workspace, `schedule:${source.id}:${key}`],
    );
    return rows[0]?.run_id ?? null;
  }

  /**
   * Writes down what became of a moment, and how far the schedule is now, together. False when the schedule was changed, paused or looked at by
   * another meanwhile: what became of the moment is kept, the rest is theirs.
   */
  async advance(due: Due, firings: readonly Firing[], to: Progress & { last?: number }): Promise<boolean> {
    const isOurs = await this.system.run(async (tx) => {
      for (const firing of firings) await record(tx, due.source.workspace, due.source.id, firing);
      return this.move(tx, due, to);
    });
    if (isOurs) Object.assign(due, { next: to.next, queued: to.queued });
    return isOurs;
  }

  /** Gives a schedule back until it is due again; or, where a start did not work for now, for a moment. */
  async release(due: Due, retryMs?: number): Promise<void> {
    const { source, version, next, queued, offsetMs } = due;
    const at = [...(next === null ? [] : [next + offsetMs]), ...(queued === null ? [] : [now() + queueMs])];
    await this.system.source.query(
      `UPDATE schedule SET look_at = coalesce(now() + $4::float8 * interval '1 millisecond', $5::timestamptz)
        WHERE workspace = $1 AND name = $2 AND id = $3 AND version = $6 AND paused_at IS NULL`,
      [source.workspace, source.name, source.id, retryMs ?? null, at.length === 0 ? null : new Date(Math.min(...at)), version],
    );
  }

  /** Has schedules looked at at once that wait for the end of this run. */
  async runEnded(run: string): Promise<boolean> {
    const [, count]: [unknown, number] = await this.system.source.query(
      `UPDATE schedule SET look_at = now() WHERE queued_time IS NOT NULL AND paused_at IS NULL AND id IN (SELECT source FROM firing WHERE run_id = $1)`,
      [run],
    );
    return count > 0;
  }

  private async move(tx: EntityManager, { source, version, next }: Due, to: Progress & { last?: number }): Promise<boolean> {
    const [, count] = await tx.query<[unknown, number]>(
      `UPDATE schedule SET next_time = $5, queued_time = $6, last_time = greatest(last_time, $7)
        WHERE workspace = $1 AND name = $2 AND version = $3 AND next_time IS NOT DISTINCT FROM $4 AND paused_at IS NULL`,
      [source.workspace, source.name, version, dateOf(next), dateOf(to.next), dateOf(to.queued), dateOf(to.last ?? null)],
    );
    return count > 0;
  }
}

/** The time after one that is dealt with. */
export function after(due: Due, time: number): number | null {
  return nextAfter(due.schedule.rhythm, time);
}

function dateOf(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}

function dueOf(row: DueRow): Due {
  const manifest = JSON.parse(row.manifest) as ScheduleManifest;
  const schedule = scheduleOf(manifest);
  const offsetMs = offsetOf(row.id, schedule.jitterMs);
  const next = row.next_time?.getTime() ?? null;
  const dueAt = row.due_at.getTime();
  return {
    source: {
      workspace: row.workspace,
      id: row.id,
      kind: 'schedule',
      name: row.name,
      workflow: row.workflow,
      labels: manifest.metadata.labels ?? {},
      priority: manifest.spec.priority,
      grant: row.grant_id,
      principalName: row.principal_name,
    },
    schedule,
    version: row.version,
    offsetMs,
    next,
    // Not yet looked at for this time: then it is due when the time says so.
    isDoubtful: next !== null && dueAt !== next + offsetMs && now() - dueAt > doubtMs,
    queued: row.queued_time?.getTime() ?? null,
  };
}
