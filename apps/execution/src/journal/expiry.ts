import { runsDeleted, runsDeletedMax, type RunsDeleted } from '@signalbox/shared/contracts/execution/runs-deleted.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { expiredOf, expiredOfDay, type ExpiredRun } from './retention.ts';

/** Rows deleted, and runs copied, at once: short transactions. */
const deleted = 5_000;
const copied = 200;

interface GoneRun {
  run_id: string;
  workspace: string;
}

/** Drops a day of which nothing stays; runs last, so that what is left of a day is found again. */
export async function dropDay(db: EntityManager, day: string): Promise<void> {
  const emptied = `DELETE FROM approval WHERE approval_id IN (SELECT approval_id FROM approval WHERE day = $1 LIMIT $2)`;
  for (let count = deleted; count === deleted;) [, count] = await db.query<[unknown, number]>(emptied, [day, deleted]);
  const gone = `DELETE FROM run WHERE run_id IN (SELECT run_id FROM run WHERE day = $1 LIMIT $2) RETURNING run_id, workspace`;
  for (let count = deleted; count === deleted;) count = await deleteRuns(db, gone, [day, deleted]);
  await db.query(`SELECT drop_day($1::date)`, [day]);
}

/** Deletes rows of runs, and tells of it: what is kept of them elsewhere goes too. Returns how many there were. */
function deleteRuns(db: EntityManager, statement: string, values: unknown[]): Promise<number> {
  return db.transaction(async (tx) => {
    const [runs] = await tx.query<[GoneRun[], number]>(statement, values);
    const ofWorkspaces = Map.groupBy(runs, ({ workspace }) => workspace);
    for (const [workspace, gone] of ofWorkspaces) {
      const ids = gone.map(({ run_id }) => fromUuid('run', run_id));
      for (let at = 0; at < ids.length; at += runsDeletedMax) await tellDeleted(tx, workspace, ids.slice(at, at + runsDeletedMax));
    }
    return runs.length;
  });
}

/** The outbox's sweep publishes it. */
async function tellDeleted(tx: EntityManager, workspace: string, runs: string[]): Promise<void> {
  const payload: RunsDeleted = { runs };
  await tx.query(`INSERT INTO outbox (id, subject, workspace, entity, version, payload) VALUES ($1, $2, $3, $4, 1, $5)`, [
    newUuid(),
    runsDeleted.subject,
    workspace,
    runs[0],
    JSON.stringify(payload),
  ]);
}

/**
 * Deletes all that is kept of ended runs of one workspace, in its transaction. Returns how many there were. Their start keys stay until they expire, so
 * that a start that is repeated is not made again.
 */
export async function forgetRuns(tx: EntityManager, runs: readonly Pick<ExpiredRun, 'run_id' | 'day'>[]): Promise<number> {
  const ids = runs.map(({ run_id }) => run_id);
  // Their rows first: who copies them meanwhile has to wait, or has been waited for.
  const count = await deleteRuns(tx, `DELETE FROM run WHERE run_id = ANY($1::uuid[]) AND status <> 'running' RETURNING run_id, workspace`, [
    ids,
  ]);
  await tx.query(`DELETE FROM approval WHERE run_id = ANY($1::uuid[])`, [ids]);
  await tx.query(`DELETE FROM inbox WHERE run_id = ANY($1::uuid[])`, [ids]);
  for (const day of new Set(runs.map((run) => run.day))) {
    await tx.query(`SELECT forget_runs($1::date, $2::uuid[])`, [day, runs.filter((run) => run.day === day).map(({ run_id }) => run_id)]);
  }
  return count;
}

/** Deletes runs that are due, of any workspaces. */
export async function forgetExpired(db: EntityManager, runs: readonly ExpiredRun[]): Promise<void> {
  for (const workspace of new Set(runs.map((run) => run.workspace))) {
    await db.transaction(async (tx) => {
      await tx.query(`SELECT set_config('sb.workspace', $1, true)`, [workspace]);
      await forgetRuns(
        tx,
        runs.filter((run) => run.workspace === workspace),
      );
    });
  }
}

/**
 * Writes what stays of a day anew beside it, and puts it in its place. What has ended is copied while everybody goes on; what lives is copied to its end while
 * the journal is held: until then an append goes to the old place and is copied, from then on to the new one. Whoever dies on the way is followed by another who
 * begins anew. All of it over the connection by which the caller is alone: another's copy is never put in place.
 */
export async function rewriteDay(db: EntityManager, day: string, keepDays: number): Promise<void> {
  await db.query(`SELECT begin_keeping($1::date)`, [day]);
  for (;;) {
    const going = await expiredOf(db, expiredOfDay(day, keepDays));
    if (going.length === 0) break;
    const ids = going.map(({ run_id }) => run_id);
    await db.query(`DELETE FROM approval WHERE run_id = ANY($1::uuid[])`, [ids]);
    await deleteRuns(db, `DELETE FROM run WHERE run_id = ANY($1::uuid[]) RETURNING run_id, workspace`, [ids]);
  }
  const lived = await copyDay(db, day);
  await db.transaction(async (tx) => {
    await tx.query(`SELECT hold_days()`);
    const rows = await tx.query<{ run_id: string }[]>(
      `SELECT run_id FROM run WHERE day = $1 AND (status = 'running' OR run_id = ANY($2::uuid[]))`,
      [day, lived],
    );
    await tx.query(`SELECT keep_runs($1::date, $2::uuid[])`, [day, rows.map(({ run_id }) => run_id)]);
    await tx.query(`SELECT end_keeping($1::date)`, [day]);
  });
}

/** Copies each run of a day as it stands. Returns those that may be written to still. */
async function copyDay(db: EntityManager, day: string): Promise<string[]> {
  const lived: string[] = [];
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows = await db.transaction(async (tx) => {
      const found = await tx.query<{ run_id: string; lives: boolean }[]>(
        `SELECT run_id, status = 'running' AS lives FROM run WHERE day = $1 AND run_id > $2 ORDER BY run_id LIMIT $3 FOR KEY SHARE`,
        [day, after, copied],
      );
      await tx.query(`SELECT keep_runs($1::date, $2::uuid[])`, [day, found.map(({ run_id }) => run_id)]);
      return found;
    });
    lived.push(...rows.filter(({ lives }) => lives).map(({ run_id }) => run_id));
    const last = rows.at(-1);
    if (last === undefined) return lived;
    after = last.run_id;
  }
}
