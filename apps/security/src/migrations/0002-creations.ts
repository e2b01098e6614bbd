/** What was made under an `Idempotency-Key`, for a day. */
export const up: string[] = [
  `CREATE TABLE creation (
    workspace uuid NOT NULL,
    principal text NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    request_hash bytea NOT NULL,
    made text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, principal, key)
  )`,
  `CREATE INDEX creation_created_at ON creation (created_at)`,
  `ALTER TABLE creation ENABLE ROW LEVEL SECURITY`,
  `ALTER TABLE creation FORCE ROW LEVEL SECURITY`,
  `CREATE POLICY own_workspace ON creation USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
];

export const down: string[] = [`DROP TABLE creation`];
