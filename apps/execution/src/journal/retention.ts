import type { Queryable } from './journal-reader.ts';

/** Runs forgotten in one transaction: each may be large. */
const chunk = 100;

/** A run that is due. */
export interface ExpiredRun {
  run_id: string;
  workspace: string;
  day: string;
}

interface Statement {
  text: string;
  values: unknown[];
}

/** A workflow that says how long its runs stay. */
export interface Policy {
  workspace: string;
  name: string;
}

/**
 * How long an ended run stays: as its workflow says now; where that is not there any more, as it said when the run began; else the days of the
 * service's configuration, `$1`. One that was imported stays so long from then on: its identifier's day is of that time.
 */
const withPolicy = `run LEFT JOIN workflow w ON w.workspace = run.workspace AND w.name = run.workflow
  LEFT JOIN definition d ON d.workspace = run.workspace AND d.hash = coalesce(w.hash, run.definition)`;
/** What its parent may still ask for stays. */
const isDue = `(run.status <> 'running'
  AND greatest(coalesce(run.ended_at, run.created_at), run.day::timestamptz)
      < now() - coalesce((d.retention ->> run.status)::bigint * interval '1 millisecond', $1::int * interval '1 day')
  AND NOT EXISTS (SELECT 1 FROM run above WHERE above.run_id = run.parent AND above.status = 'running'))`;
const due = `SELECT run.run_id, run.workspace, to_char(run.day, 'YYYY-MM-DD') AS day FROM ${withPolicy} WHERE ${isDue}`;

const counted = `SELECT (count(*) FILTER (WHERE ${isDue}))::int AS going, (count(*) FILTER (WHERE NOT ${isDue}))::int AS staying,
            to_regclass('journal_' || to_char($2::date, 'YYYYMMDD') || '_kept') IS NOT NULL AS "isBegun"
       FROM ${withPolicy} WHERE run.day = $2`;

/** Workflows of which a version says how long its runs stay. */
export async function policies(db: Queryable): Promise<Policy[]> {
  return db.query(
    `SELECT DISTINCT workspace, manifest::jsonb #>> '{metadata,name}' AS name FROM definition WHERE retention IS NOT NULL ORDER BY 1, 2`,
  );
}

/** Some of the due runs of a workflow, the oldest first. */
export function expiredOfWorkflow({ workspace, name }: Policy, keepDays: number): Statement {
  return {
    text: `${due} AND run.workspace = $2 AND run.workflow = $3 ORDER BY run.run_id LIMIT ${chunk}`,
    values: [keepDays, workspace, name],
  };
}

/** Some of the due runs of a day. */
export function expiredOfDay(day: string, keepDays: number): Statement {
  return { text: `${due} AND run.day = $2 LIMIT ${chunk}`, values: [keepDays, day] };
}

export function expiredOf(db: Queryable, { text, values }: Statement): Promise<ExpiredRun[]> {
  return db.query(text, values);
}

/** How many runs of a day are due, how many stay, and whether these are being copied already. */
export async function countDay(
  db: Queryable,
  day: string,
  keepDays: number,
): Promise<{ going: number; staying: number; isBegun: boolean }> {
  const [counts] = await db.query<{ going: number; staying: number; isBegun: boolean }[]>(counted, [keepDays, day]);
  return counts as { going: number; staying: number; isBegun: boolean };
}
