import type { ListRunProblemsRequest, RunProblemView } from '@signalbox/shared/contracts/execution/list-run-problems.js';
import { decodeCursor } from '@signalbox/shared/bus/page.js';
import { fromUuid, timeOfUuid } from '@signalbox/shared/ids/ids.js';
import type { Failure } from '@signalbox/workflow/core/events.js';
import { firstUuidOf, type Statement } from './run-search.ts';
import { failureView } from '@signalbox/workflow/views/failure-view.js';

/** Failed runs that are counted. Where there are more, whichever the index has first: the newest would have to be sorted out of all. */
export const problemsMax = 200_000;

export interface ProblemRow {
  error_code: string;
  workflow: string;
  failed_step: string;
  count: number;
  first: string;
  last: string;
  error: string | null;
  counted: number;
}

/** Failures that nobody has looked after, by code, workflow and step, the most frequent first. */
export function problemsStatement(
  workspace: string,
  { workflow, startedAfter, cursor, q }: ListRunProblemsRequest,
  limit: number,
): Statement {
  const [count, code, flow, step] = cursor === undefined ? [] : decodeCursor(cursor, 4);
  const words = (q ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, 8);
  return {
    text: `WITH problem AS (
        SELECT error_code, workflow, coalesce(failed_step, '') AS failed_step, run_id FROM run
         WHERE workspace = $1 AND error_code IS NOT NULL AND resolution IS NULL AND parent IS NULL
           AND ($2::text IS NULL OR workflow = $2) AND ($3::uuid IS NULL OR run_id >= $3)
         LIMIT ${problemsMax + 1}
      ), grouped AS (
        SELECT error_code, workflow, failed_step, count(*)::int AS count, min(run_id::text) AS first, max(run_id::text) AS last
          FROM problem GROUP BY 1, 2, 3
      )
      SELECT g.*, run.error, (SELECT count(*)::int FROM problem) AS counted FROM grouped AS g JOIN run ON run.run_id = g.last::uuid
       WHERE ($4::int IS NULL OR (g.count, g.error_code, g.workflow, g.failed_step) < ($4, $5, $6, $7))
         AND NOT EXISTS (SELECT 1 FROM unnest($8::text[]) AS word
                          WHERE strpos(lower(g.error_code || ' ' || g.workflow || ' ' || g.failed_step || ' ' || coalesce(run.error, '')), word) = 0)
       ORDER BY g.count DESC, g.error_code DESC, g.workflow DESC, g.failed_step DESC LIMIT ${limit + 1}`,
    values: [
      workspace,
      workflow ?? null,
      startedAfter === undefined ? null : firstUuidOf(startedAfter),
      count === undefined ? null : Math.trunc(Number(count)) || 0,
      code ?? null,
      flow ?? null,
      step ?? null,
      words,
    ],
  };
}

/** The position behind a group. */
export function positionOf({ count, error_code, workflow, failed_step }: ProblemRow): (string | number)[] {
  return [count, error_code, workflow, failed_step];
}

export function problemView(row: ProblemRow): RunProblemView {
  const failure = row.error === null ? null : failureView(JSON.parse(row.error) as Failure);
  return {
    errorCode: row.error_code,
    workflow: row.workflow,
    failedStep: row.failed_step === '' ? null : row.failed_step,
    count: row.count,
    firstAt: new Date(timeOfUuid(row.first)).toISOString(),
    lastAt: new Date(timeOfUuid(row.last)).toISOString(),
    lastRun: fromUuid('run', row.last),
    detail: failure?.detail ?? null,
    next: failure?.next ?? null,
  };
}
