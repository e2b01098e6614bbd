/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // What mirrored calls came to, and the right to ask agents that grade them.
  'ALTER TABLE rollout ADD COLUMN mirror jsonb, ADD COLUMN bearer text',
  'CREATE INDEX rollout_bearer ON rollout (ended_at) WHERE bearer IS NOT NULL',
  // Mirrored calls that both versions answered in different ways, the newest.
  `CREATE TABLE rollout_pair (
    workspace uuid NOT NULL,
    rollout uuid NOT NULL,
    task text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    because text NOT NULL,
    input text NOT NULL,
    stable text NOT NULL,
    candidate text NOT NULL,
    stable_ms double precision NOT NULL,
    candidate_ms double precision NOT NULL,
    PRIMARY KEY (workspace, rollout, task)
  )`,
  'CREATE INDEX rollout_pair_at ON rollout_pair (at)',
  ...inWorkspaceOnly('rollout_pair'),
];

export const down: string[] = [
  'DROP TABLE rollout_pair',
  'DROP INDEX rollout_bearer',
  'ALTER TABLE rollout DROP COLUMN bearer, DROP COLUMN mirror',
];
