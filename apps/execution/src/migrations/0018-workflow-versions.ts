/** Row security of a table whose rows belong to workspaces. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // What a workflow was from one change to the next: with its definition, which is kept, it can be that again.
  `CREATE TABLE workflow_version (
    workspace uuid NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    description text,
    labels jsonb NOT NULL,
    steps int NOT NULL,
    reverted_to int,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name, version)
  )`,
  // Who applied what is there already is not known here.
  `INSERT INTO workflow_version (workspace, name, version, hash, description, labels, steps, created_by, created_at)
     SELECT workspace, name, version, hash, description, labels, steps, '', updated_at FROM workflow`,
  ...walled('workflow_version'),
];

export const down: string[] = ['DROP TABLE workflow_version'];
