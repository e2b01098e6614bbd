/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

/** What was written stays: neither a request nor background work can change or delete it. */
function appendOnly(table: string): string {
  return `REVOKE UPDATE, DELETE, TRUNCATE ON ${table} FROM registry, registry_system`;
}

export const up: string[] = [
  `CREATE TABLE gate (
    workspace uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    manifest jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('gate'),
  // By the agent's id: who deletes an agent and makes another of that name begins without evidence.
  `CREATE TABLE evidence (
    workspace uuid NOT NULL,
    agent uuid NOT NULL,
    version integer NOT NULL,
    id uuid NOT NULL,
    format text NOT NULL,
    source text NOT NULL,
    hash text NOT NULL,
    bytes integer NOT NULL,
    metrics jsonb NOT NULL,
    findings jsonb NOT NULL,
    search text NOT NULL,
    by_principal text NOT NULL,
    by_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, agent, id)
  )`,
  `CREATE INDEX evidence_version ON evidence (workspace, agent, version, id)`,
  ...inWorkspaceOnly('evidence'),
  appendOnly('evidence'),
  `CREATE TABLE agent_stage (
    workspace uuid NOT NULL,
    agent uuid NOT NULL,
    stage text NOT NULL,
    version integer NOT NULL,
    previous integer,
    since timestamptz NOT NULL DEFAULT now(),
    by_principal text NOT NULL,
    by_name text NOT NULL,
    PRIMARY KEY (workspace, agent, stage)
  )`,
  ...inWorkspaceOnly('agent_stage'),
  // Promotions, demotions and approvals.
  `CREATE TABLE stage_move (
    workspace uuid NOT NULL,
    agent uuid NOT NULL,
    id uuid NOT NULL,
    move text NOT NULL,
    stage text NOT NULL,
    version integer NOT NULL,
    by_principal text NOT NULL,
    by_name text NOT NULL,
    by_roles jsonb NOT NULL,
    reason text,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, agent, id)
  )`,
  ...inWorkspaceOnly('stage_move'),
  appendOnly('stage_move'),
];

export const down: string[] = ['DROP TABLE stage_move', 'DROP TABLE agent_stage', 'DROP TABLE evidence', 'DROP TABLE gate'];
