/** Row security of a table whose rows belong to workspaces. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

// `agent` or `model`, whichever was asked; both empty: a tool or something else.
const columns = `workspace uuid NOT NULL,
    hour timestamptz NOT NULL,
    workflow text NOT NULL,
    agent text NOT NULL,
    model text NOT NULL,
    attempts bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL`;

export const up: string[] = [
  // What attempts used, written with the row of the journal that says so, until it is added to its hour.
  `CREATE TABLE usage_entry (${columns})`,
  'CREATE INDEX usage_entry_hour ON usage_entry (workspace, hour)',
  ...walled('usage_entry'),
  `CREATE TABLE usage_hour (${columns}, PRIMARY KEY (workspace, hour, workflow, agent, model)) WITH (fillfactor = 70)`,
  'CREATE INDEX usage_hour_age ON usage_hour (hour)',
  ...walled('usage_hour'),
  // Labels of a budget that stands in a manifest.
  `ALTER TABLE budget ADD COLUMN labels jsonb NOT NULL DEFAULT '{}', ADD COLUMN description text`,
  // In which epoch its owner had told the keepers of limits what its runs hold; replicas that say so.
  'ALTER TABLE shard ADD COLUMN told int NOT NULL DEFAULT 0',
  'ALTER TABLE replica ADD COLUMN tells boolean NOT NULL DEFAULT false',
];

export const down: string[] = [
  'ALTER TABLE replica DROP COLUMN tells',
  'ALTER TABLE shard DROP COLUMN told',
  'ALTER TABLE budget DROP COLUMN labels, DROP COLUMN description',
  'DROP TABLE usage_hour, usage_entry',
];
