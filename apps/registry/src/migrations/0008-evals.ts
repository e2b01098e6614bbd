/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // The current version of each suite; version 1 of one that is made anew is not that of one that was deleted, by the id.
  `CREATE TABLE eval_suite (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    search text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('eval_suite'),
  `CREATE TABLE eval_suite_version (
    workspace uuid NOT NULL,
    suite uuid NOT NULL,
    version integer NOT NULL,
    manifest jsonb NOT NULL,
    PRIMARY KEY (workspace, suite, version)
  )`,
  ...inWorkspaceOnly('eval_suite_version'),
  `CREATE TABLE eval (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    suite uuid NOT NULL,
    suite_name text NOT NULL,
    suite_version integer NOT NULL,
    agent uuid NOT NULL,
    agent_name text NOT NULL,
    agent_version integer NOT NULL,
    status text NOT NULL,
    reason text,
    run text,
    cases integer NOT NULL,
    repeats integer NOT NULL,
    confidence double precision NOT NULL,
    against text NOT NULL,
    graders jsonb NOT NULL,
    recorded jsonb,
    bearer text,
    result jsonb,
    evidence uuid,
    by_principal text NOT NULL,
    by_name text NOT NULL,
    looked_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE INDEX eval_open ON eval (looked_at) WHERE status = 'running'`,
  `CREATE INDEX eval_suite_of ON eval (workspace, suite, agent, agent_version, id)`,
  ...inWorkspaceOnly('eval'),
  `CREATE TABLE eval_attempt (
    workspace uuid NOT NULL,
    eval uuid NOT NULL,
    number integer NOT NULL,
    case_index integer NOT NULL,
    case_name text NOT NULL,
    repeat integer NOT NULL,
    outcome text NOT NULL,
    score double precision NOT NULL,
    grades jsonb NOT NULL,
    error text,
    duration_ms integer,
    output text NOT NULL,
    PRIMARY KEY (workspace, eval, number)
  )`,
  ...inWorkspaceOnly('eval_attempt'),
];

export const down: string[] = ['DROP TABLE eval_attempt', 'DROP TABLE eval', 'DROP TABLE eval_suite_version', 'DROP TABLE eval_suite'];
