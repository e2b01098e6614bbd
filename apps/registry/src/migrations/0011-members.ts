/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // What services said of the members of a deployment that are no agents; `baseline` is what was there at its last start.
  `CREATE TABLE deployment_member (
    workspace uuid NOT NULL,
    deployment uuid NOT NULL,
    member text NOT NULL,
    standing text NOT NULL,
    note text NOT NULL,
    observed text,
    baseline text,
    PRIMARY KEY (workspace, deployment, member)
  )`,
  ...inWorkspaceOnly('deployment_member'),
  // What was found of each agent at the last start, by its name in the deployment; and since when what is there is not what is wanted.
  `ALTER TABLE deployment ADD COLUMN agent_hashes jsonb NOT NULL DEFAULT '{}', ADD COLUMN drifted_at timestamptz`,
  // How many processes the local runner keeps up of agents that are scaled, and how it came to that.
  `CREATE TABLE agent_scale (
    workspace uuid NOT NULL,
    deployment uuid NOT NULL,
    member text NOT NULL,
    agent text NOT NULL,
    wanted integer NOT NULL,
    because text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (workspace, deployment, member)
  )`,
  `CREATE INDEX agent_scale_agent ON agent_scale (workspace, agent)`,
  ...inWorkspaceOnly('agent_scale'),
  `CREATE TABLE agent_scale_change (
    workspace uuid NOT NULL,
    agent text NOT NULL,
    id uuid NOT NULL,
    deployment text NOT NULL,
    from_count integer NOT NULL,
    to_count integer NOT NULL,
    because text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (workspace, agent, id)
  )`,
  ...inWorkspaceOnly('agent_scale_change'),
];

export const down: string[] = [
  'DROP TABLE agent_scale_change',
  'DROP TABLE agent_scale',
  'ALTER TABLE deployment DROP COLUMN agent_hashes, DROP COLUMN drifted_at',
  'DROP TABLE deployment_member',
];
