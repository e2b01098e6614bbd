/** Row security of a table whose rows belong to workspaces. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

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
  `CREATE INDEX run_problem ON run (workspace, error_code, workflow, failed_step, run_id DESC)
     WHERE error_code IS NOT NULL AND resolution IS NULL AND parent IS NULL`,

  // What is done to many runs: how far it is, so that whoever comes next goes on.
  `CREATE TABLE run_operation (
    workspace uuid NOT NULL,
    operation_id uuid NOT NULL,
    action text NOT NULL,
    filter jsonb,
    ids uuid[],
    from_steps text[],
    note text,
    status text NOT NULL DEFAULT 'running',
    total int NOT NULL,
    done int NOT NULL DEFAULT 0,
    failed int NOT NULL DEFAULT 0,
    open uuid[] NOT NULL DEFAULT '{}',
    after uuid NOT NULL,
    before uuid NOT NULL,
    principal text NOT NULL,
    principal_name text NOT NULL,
    grant_id text NOT NULL,
    key text,
    request_hash text NOT NULL,
    claimed_by uuid,
    claimed_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (workspace, operation_id)
  )`,
  `CREATE UNIQUE INDEX run_operation_key ON run_operation (workspace, principal, key) WHERE key IS NOT NULL`,
  `CREATE INDEX run_operation_open ON run_operation (created_at) WHERE status = 'running'`,
  ...walled('run_operation'),
  `CREATE TABLE run_operation_failure (
    workspace uuid NOT NULL,
    operation_id uuid NOT NULL,
    run_id uuid NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, operation_id, run_id)
  )`,
  ...walled('run_operation_failure'),
];

export const down: string[] = [
  `DROP TABLE run_operation_failure, run_operation`,
  `DROP INDEX run_problem, run_unsuccessful_by_workflow, run_by_error, run_by_cost, run_by_duration, run_ended`,
  `CREATE INDEX run_by_label ON run USING gin (labels jsonb_path_ops) WHERE labels <> '{}'`,
  `ALTER TABLE run DROP COLUMN failed_step, DROP COLUMN error_code, DROP COLUMN is_waiting, DROP COLUMN duration_ms, DROP COLUMN cost_usd,
     DROP COLUMN resolution_note, DROP COLUMN resolution, DROP COLUMN standing, DROP COLUMN agents`,
];
