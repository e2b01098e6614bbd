/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  `CREATE TABLE deployment (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id uuid NOT NULL UNIQUE,
    description text NOT NULL,
    labels jsonb NOT NULL,
    search text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    manifest jsonb NOT NULL,
    event_version bigint NOT NULL,
    started boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    started_by text,
    bearer text,
    owner text,
    lease_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  `CREATE INDEX deployment_held ON deployment (lease_until) WHERE bearer IS NOT NULL`,
  ...inWorkspaceOnly('deployment'),
  `CREATE TABLE deployment_step (
    workspace uuid NOT NULL,
    deployment uuid NOT NULL,
    agent text NOT NULL,
    step text NOT NULL,
    source text NOT NULL,
    state text NOT NULL,
    fraction double precision NOT NULL,
    note text,
    by_principal text NOT NULL,
    begun_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (workspace, deployment, agent, step)
  )`,
  ...inWorkspaceOnly('deployment_step'),
  // What steps of an agent took before, in seconds: estimates are made from it.
  `CREATE TABLE step_history (
    workspace uuid NOT NULL,
    agent text NOT NULL,
    step text NOT NULL,
    id uuid NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (workspace, agent, step, id)
  )`,
  ...inWorkspaceOnly('step_history'),
  // Processes of the local runner and the keys that were given to them: what a crash leaves behind is taken back by these.
  `CREATE TABLE runner_process (
    workspace uuid NOT NULL,
    deployment uuid NOT NULL,
    agent text NOT NULL,
    slot integer NOT NULL,
    registered_agent text NOT NULL,
    instance text NOT NULL,
    api_key_id text,
    hash text NOT NULL,
    failure text,
    PRIMARY KEY (workspace, deployment, agent, slot)
  )`,
  `CREATE INDEX runner_process_agent ON runner_process (workspace, registered_agent)`,
  ...inWorkspaceOnly('runner_process'),
];

export const down: string[] = [
  'DROP TABLE runner_process',
  'DROP TABLE step_history',
  'DROP TABLE deployment_step',
  'DROP TABLE deployment',
];
