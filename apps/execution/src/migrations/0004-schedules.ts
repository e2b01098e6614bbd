/** Row security of a table whose rows belong to workspaces. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // `look_at`: when somebody has to look at it next. Who does moves it on first, so that two replicas never look at once; null: never.
  `CREATE TABLE schedule (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id uuid NOT NULL UNIQUE,
    workflow text NOT NULL,
    manifest text NOT NULL,
    version int NOT NULL,
    principal_name text NOT NULL,
    grant_id text NOT NULL,
    paused_at timestamptz,
    paused_reason text,
    paused_by text,
    next_time timestamptz,
    last_time timestamptz,
    queued_time timestamptz,
    look_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  ) WITH (fillfactor = 85)`,
  `CREATE INDEX schedule_look ON schedule (look_at) WHERE look_at IS NOT NULL`,
  `CREATE INDEX schedule_queued ON schedule (workspace, workflow) WHERE queued_time IS NOT NULL`,
  ...walled('schedule'),

  // `watched`: the workflow whose runs' ends it hears of, or the type of an event; null: neither.
  `CREATE TABLE trigger (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id uuid NOT NULL UNIQUE,
    kind text NOT NULL,
    watched text,
    workflow text NOT NULL,
    manifest text NOT NULL,
    version int NOT NULL,
    principal_name text NOT NULL,
    grant_id text NOT NULL,
    paused_at timestamptz,
    paused_reason text,
    paused_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  `CREATE INDEX trigger_watched ON trigger (workspace, watched) WHERE watched IS NOT NULL`,
  ...walled('trigger'),
  // A hook is called by its id alone: whose it is, only this tells.
  `CREATE FUNCTION find_hook(given uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
     SELECT workspace FROM trigger WHERE id = given AND kind = 'webhook'
   $$`,
  `CREATE POLICY seen_by_functions ON trigger FOR SELECT TO CURRENT_USER USING (true)`,
  `REVOKE ALL ON FUNCTION find_hook(uuid) FROM PUBLIC`,
  `DO $$ BEGIN EXECUTE format('GRANT EXECUTE ON FUNCTION find_hook(uuid) TO %I', current_schema()); END $$`,

  // What a schedule or trigger (its `source`) was to start.
  `CREATE TABLE firing (
    source uuid NOT NULL,
    key text NOT NULL,
    workspace uuid NOT NULL,
    time timestamptz NOT NULL,
    until timestamptz,
    outcome text NOT NULL,
    reason text,
    run_id uuid,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, key)
  )`,
  `CREATE INDEX firing_newest ON firing (source, time DESC, key DESC)`,
  `CREATE INDEX firing_run ON firing (run_id) WHERE run_id IS NOT NULL`,
  ...walled('firing'),
];

export const down: string[] = ['DROP FUNCTION find_hook(uuid)', 'DROP TABLE firing, trigger, schedule'];
