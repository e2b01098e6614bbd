/**
 * What runs are found by. Cost, duration and error are read from what the row holds anyway, so that versions which do not know of them write
 * them too. The indexes are partial: a run pays for those of its end once, and one that did not fail for no more.
 */
export const up: string[] = [
  `ALTER TABLE run
     ADD COLUMN agents text[] NOT NULL DEFAULT '{}',
     ADD COLUMN standing jsonb NOT NULL DEFAULT '{}',
     ADD COLUMN resolution text,
     ADD COLUMN resolution_note text,
     ADD COLUMN cost_usd double precision GENERATED ALWAYS AS ((usage::jsonb ->> 'costUsd')::double precision) STORED,
     ADD COLUMN duration_ms bigint GENERATED ALWAYS AS (round(extract(epoch FROM ended_at - created_at) * 1000)::bigint) STORED,
     ADD COLUMN is_waiting boolean GENERATED ALWAYS AS (coalesce((standing ->> 'isWaiting')::boolean, false)) STORED,
     ADD COLUMN error_code text GENERATED ALWAYS AS (coalesce(standing ->> 'errorCode', error::jsonb ->> 'code')) STORED,
     ADD COLUMN failed_step text GENERATED ALWAYS AS (standing ->> 'failedStep') STORED`,
  // Of runs from before: every agent that a step names.
  `UPDATE run SET agents = ARRAY(
     SELECT DISTINCT jsonb_array_elements_text(
       jsonb_path_query_array(d.manifest::jsonb, '$.spec.steps.*.agent') || jsonb_path_query_array(d.manifest::jsonb, '$.spec.steps.*.fallback')))
     FROM definition d WHERE d.workspace = run.workspace AND d.hash = run.definition`,
  // Under row security it is not used: containment of JSON is not leakproof.
  `DROP INDEX run_by_label`,
  `CREATE INDEX run_ended ON run (workspace, ended_at DESC, run_id DESC) WHERE ended_at IS NOT NULL`,
  `CREATE INDEX run_by_duration ON run (workspace, duration_ms DESC, run_id DESC) WHERE duration_ms IS NOT NULL`,
  `CREATE INDEX run_by_cost ON run (workspace, cost_usd DESC, run_id DESC) WHERE cost_usd > 0`,
  `CREATE INDEX run_by_error ON run (workspace, error_code, run_id DESC) WHERE error_code IS NOT NULL`,
  `CREATE INDEX run_unsuccessful_by_workflow ON run (workspace, workflow, status, run_id DESC) WHERE status IN ('failed', 'cancelled')`,
  `CREATE INDEX run_problem ON run (workspace, error_code, workflow, failed_step, run_id DESC) WHERE error_code IS NOT NULL AND resolution IS NULL`,
];

export const down: string[] = [
  `DROP INDEX run_problem, run_unsuccessful_by_workflow, run_by_error, run_by_cost, run_by_duration, run_ended`,
  `CREATE INDEX run_by_label ON run USING gin (labels jsonb_path_ops) WHERE labels <> '{}'`,
  `ALTER TABLE run DROP COLUMN failed_step, DROP COLUMN error_code, DROP COLUMN is_waiting, DROP COLUMN duration_ms, DROP COLUMN cost_usd,
     DROP COLUMN resolution_note, DROP COLUMN resolution, DROP COLUMN standing, DROP COLUMN agents`,
];
