export const up: string[] = [
  // What the journal says of approvals, written with its rows: so that what is open is found without reading runs.
  `CREATE TABLE approval (
    approval_id uuid PRIMARY KEY,
    run_id uuid NOT NULL,
    day date NOT NULL,
    workspace uuid NOT NULL,
    workflow text NOT NULL,
    step text NOT NULL,
    label text NOT NULL,
    message text NOT NULL,
    status text NOT NULL,
    answerers text[],
    not_by text,
    asked_at timestamptz NOT NULL,
    deadline timestamptz,
    answered_at timestamptz,
    answered_by text,
    answered_by_name text
  ) WITH (fillfactor = 85)`,
  `CREATE INDEX approval_newest ON approval (workspace, approval_id DESC)`,
  `CREATE INDEX approval_open ON approval (workspace, approval_id DESC) WHERE status = 'open'`,
  `CREATE INDEX approval_by_workflow ON approval (workspace, workflow, approval_id DESC)`,
  `CREATE INDEX approval_run ON approval (run_id)`,
  `CREATE INDEX approval_day ON approval (day)`,
  `ALTER TABLE approval ENABLE ROW LEVEL SECURITY`,
  `ALTER TABLE approval FORCE ROW LEVEL SECURITY`,
  `CREATE POLICY workspace ON approval USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
];

export const down: string[] = ['DROP TABLE approval'];
