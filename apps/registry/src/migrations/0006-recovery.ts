/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  `CREATE TABLE incident (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    cause text NOT NULL,
    title text NOT NULL,
    severity text NOT NULL,
    status text NOT NULL,
    agents text[] NOT NULL,
    faults integer NOT NULL,
    owner text,
    on_call text,
    runbook text,
    remind_ms bigint,
    remind_at timestamptz,
    reminders integer NOT NULL DEFAULT 0,
    entries integer NOT NULL DEFAULT 0,
    event_version bigint NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    acknowledged_by text,
    acknowledged_at timestamptz,
    resolved_by text,
    resolved_at timestamptz,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE INDEX incident_open ON incident (workspace, cause) WHERE status <> 'resolved'`,
  `CREATE INDEX incident_resolved ON incident (resolved_at) WHERE status = 'resolved'`,
  `CREATE INDEX incident_reminded ON incident (remind_at) WHERE remind_at IS NOT NULL`,
  ...inWorkspaceOnly('incident'),
  `CREATE TABLE incident_entry (
    workspace uuid NOT NULL,
    incident uuid NOT NULL,
    id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stage text NOT NULL,
    agent text,
    instance text,
    by_principal text NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (workspace, incident, id)
  )`,
  ...inWorkspaceOnly('incident_entry'),
  // What is kept out of routing. An empty instance stands for the agent with all of its instances.
  `CREATE TABLE isolation (
    workspace uuid NOT NULL,
    agent text NOT NULL,
    instance text NOT NULL,
    cause text NOT NULL,
    because text NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    incident uuid NOT NULL,
    by_principal text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    next_at timestamptz,
    PRIMARY KEY (workspace, agent, instance)
  )`,
  `CREATE INDEX isolation_due ON isolation (next_at) WHERE next_at IS NOT NULL`,
  `CREATE INDEX isolation_incident ON isolation (workspace, incident)`,
  ...inWorkspaceOnly('isolation'),
];

export const down: string[] = ['DROP TABLE isolation', 'DROP TABLE incident_entry', 'DROP TABLE incident'];
