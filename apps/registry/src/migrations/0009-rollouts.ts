/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  'ALTER TABLE instance ADD COLUMN version integer',
  `CREATE TABLE rollout (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    agent uuid NOT NULL,
    agent_name text NOT NULL,
    version integer NOT NULL,
    stable integer NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    plan jsonb NOT NULL,
    step integer NOT NULL DEFAULT 0,
    step_at timestamptz NOT NULL DEFAULT now(),
    is_ready boolean NOT NULL,
    passed boolean NOT NULL DEFAULT false,
    stable_totals jsonb NOT NULL,
    totals jsonb NOT NULL,
    checks jsonb NOT NULL DEFAULT '[]',
    entries integer NOT NULL DEFAULT 0,
    event_version bigint NOT NULL DEFAULT 0,
    by_principal text NOT NULL,
    by_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE UNIQUE INDEX rollout_open ON rollout (workspace, agent) WHERE ended_at IS NULL`,
  `CREATE INDEX rollout_of ON rollout (workspace, agent, id)`,
  ...inWorkspaceOnly('rollout'),
  `CREATE TABLE rollout_entry (
    workspace uuid NOT NULL,
    rollout uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    move text NOT NULL,
    step integer NOT NULL,
    by_principal text NOT NULL,
    text text NOT NULL,
    stable_figures jsonb,
    figures jsonb,
    checks jsonb NOT NULL,
    PRIMARY KEY (workspace, rollout, number)
  )`,
  ...inWorkspaceOnly('rollout_entry'),
];

export const down: string[] = ['DROP TABLE rollout_entry', 'DROP TABLE rollout', 'ALTER TABLE instance DROP COLUMN version'];
