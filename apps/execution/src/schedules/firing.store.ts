import type { FiringOutcome, FiringView } from '@signalbox/shared/contracts/execution/schedule-view.js';
import type { RunStatus } from '@signalbox/shared/contracts/execution/run-view.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { Queryable } from '../journal/journal-reader.ts';

/** Firings that are kept of one schedule or trigger. */
const keptMax = 500;

/** What became of one time or event. */
export interface Firing {
  key: string;
  /** Epoch milliseconds: what was due, or when the event came. */
  time: number;
  /** The last of several times that were missed together. */
  until?: number;
  outcome: FiringOutcome;
  reason?: string | undefined;
  /** The run's UUID. */
  run?: string | undefined;
}

export interface FiringRow {
  key: string;
  time: Date;
  until: Date | null;
  outcome: FiringOutcome;
  reason: string | null;
  run_id: string | null;
  run_status: RunStatus | null;
  at: Date;
}

/** Columns of `FiringRow`, of the tables `f` and `r`. */
export const firingColumns = `f.key, f.time, f.until, f.outcome, f.reason, f.run_id, r.status AS run_status, f.at`;

const pruneSql = `DELETE FROM firing WHERE source = $1 AND outcome <> 'waiting'
        AND (time, key) < (SELECT time, key FROM firing WHERE source = $1 ORDER BY time DESC, key DESC OFFSET ${keptMax - 1} LIMIT 1)`;

const listSql = `SELECT ${firingColumns} FROM firing f LEFT JOIN run r ON r.run_id = f.run_id
      WHERE f.source = $1 AND ($2::timestamptz IS NULL OR (f.time, f.key) < ($2, $3::text)) AND ($4::text IS NULL OR f.outcome = $4)
        AND ($5 = '' OR strpos(lower(f.key || ' ' || coalesce(f.reason, '')), lower($5)) > 0)
      ORDER BY f.time DESC, f.key DESC LIMIT $6`;

/** Writes what became of a firing, over what was said of it before, and drops what is older than the last of its source. */
export async function record(db: Queryable, workspace: string, source: string, firing: Firing): Promise<void> {
  const { key, time, until, outcome, reason, run } = firing;
  await db.query(
    `INSERT INTO firing (source, key, workspace, time, until, outcome, reason, run_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (source, key) DO UPDATE SET outcome = excluded.outcome, reason = excluded.reason, run_id = excluded.run_id, at = now()`,
    [
      source,
      key,
      workspace,
      new Date(time),
      until === undefined ? null : new Date(until),
      outcome,
      reason?.slice(0, 2_000) ?? null,
      run ?? null,
    ],
  );
  await db.query(pruneSql, [source]);
}

/** Runs that a source started and that have not ended. */
export async function liveRuns(db: Queryable, source: string): Promise<string[]> {
  const rows = await db.query<{ run_id: string }[]>(
    `SELECT f.run_id FROM firing f JOIN run r ON r.run_id = f.run_id WHERE f.source = $1 AND r.status = 'running'`,
    [source],
  );
  return rows.map(({ run_id }) => run_id);
}

/** Firings of one source, the newest first. */
export async function listFirings(
  db: Queryable,
  source: string,
  filter: { limit?: number; cursor?: string; q?: string; outcome?: FiringOutcome },
): Promise<{ data: FiringView[]; nextCursor: string | null }> {
  const limit = filter.limit ?? pageLimitDefault;
  const [time, key] = filter.cursor === undefined ? [] : decodeCursor(filter.cursor, 2);
  const before = time === undefined ? null : new Date(Number(time));
  const rows = await db.query<FiringRow[]>(listSql, [
    source,
    before && Number.isNaN(before.getTime()) ? new Date(0) : before,
    key ?? null,
    filter.outcome ?? null,
    filter.q ?? '',
    limit + 1,
  ]);
  return pageOf(rows, limit, (row) => [row.time.getTime(), row.key], firingView);
}

export function firingView(row: FiringRow): FiringView {
  return {
    key: row.key,
    time: row.time.toISOString(),
    until: row.until?.toISOString() ?? null,
    outcome: row.outcome,
    reason: row.reason,
    run: row.run_id === null ? null : fromUuid('run', row.run_id),
    runStatus: row.run_status,
    at: row.at.toISOString(),
  };
}
