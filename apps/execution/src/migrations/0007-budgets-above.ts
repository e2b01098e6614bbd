const amounts = (prefix: string, rest: string): string =>
  ['tokens', 'cost_usd', 'steps'].map((measure) => `${prefix}${measure} numeric${rest}`).join(', ');

/** Row security of a table whose rows belong to workspaces. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // Nothing was ever written there.
  'DROP TABLE budget',
  // `spent`: in this period, by runs that have ended in it; `given`: the sum of the slices of those that have not been settled.
  `CREATE TABLE budget (
    workspace uuid NOT NULL,
    scope text NOT NULL,
    period text NOT NULL CHECK (period IN ('total', 'day', 'month')),
    period_start timestamptz NOT NULL DEFAULT now(),
    ${amounts('limit_', '')},
    ${amounts('per_call_', '')},
    ${amounts('spent_', ' NOT NULL DEFAULT 0')},
    ${amounts('given_', ' NOT NULL DEFAULT 0')},
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, scope)
  ) WITH (fillfactor = 50)`,
  ...walled('budget'),

  // What a run may use of a budget until it has ended.
  `CREATE TABLE budget_slice (
    run_id uuid NOT NULL,
    workspace uuid NOT NULL,
    scope text NOT NULL,
    ${amounts('', ' NOT NULL DEFAULT 0')},
    PRIMARY KEY (run_id, workspace, scope),
    FOREIGN KEY (workspace, scope) REFERENCES budget ON DELETE CASCADE
  )`,
  'CREATE INDEX budget_slice_scope ON budget_slice (workspace, scope)',
  ...walled('budget_slice'),
];

export const down: string[] = [
  'DROP TABLE budget_slice, budget',
  `CREATE TABLE budget (
    workspace uuid NOT NULL,
    scope text NOT NULL,
    cap jsonb NOT NULL,
    spent jsonb NOT NULL,
    PRIMARY KEY (workspace, scope)
  )`,
  ...walled('budget'),
];
