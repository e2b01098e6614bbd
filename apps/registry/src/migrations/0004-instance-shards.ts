/**
 * Instances are heard by the owner of their agent's shard, as `shardOfAgent` computes it. When one beat last is in no index, so that beats that are
 * written change nothing but their row.
 */
const workspaceId = `nullif(current_setting('sb.workspace', true), '')::uuid`;

/** Lists that look through many rows read the workspace once, not for each row. */
const listed = ['agent', 'instance'];

export const up: string[] = [
  ...listed.map((table) => `ALTER POLICY workspace ON ${table} USING (workspace = (SELECT ${workspaceId}))`),
  `CREATE TABLE replica (owner uuid PRIMARY KEY, lease_until timestamptz NOT NULL)`,
  `CREATE TABLE shard (shard smallint PRIMARY KEY, owner uuid, epoch int NOT NULL DEFAULT 0)`,
  `INSERT INTO shard (shard) SELECT generate_series(0, 255)`,
  `REVOKE ALL ON replica, shard FROM registry`,
  `DROP INDEX instance_beating`,
  `DROP INDEX instance_gone`,
  `ALTER TABLE instance
     ADD COLUMN shard smallint NOT NULL GENERATED ALWAYS AS (get_byte(sha256((workspace::text || ' ' || agent)::bytea), 0)) STORED,
     ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
     ADD COLUMN search text NOT NULL GENERATED ALWAYS AS (lower(agent || ' ' || instance)) STORED`,
  `ALTER TABLE instance SET (fillfactor = 80)`,
  `CREATE INDEX instance_heard ON instance (shard, changed_at) WHERE status <> 'gone'`,
  `CREATE INDEX instance_gone ON instance (changed_at) WHERE status = 'gone'`,
  `CREATE INDEX instance_status ON instance (workspace, status, agent, instance)`,
];

export const down: string[] = [
  ...listed.map((table) => `ALTER POLICY workspace ON ${table} USING (workspace = ${workspaceId})`),
  `DROP INDEX instance_status`,
  `DROP INDEX instance_gone`,
  `DROP INDEX instance_heard`,
  `ALTER TABLE instance RESET (fillfactor)`,
  `ALTER TABLE instance DROP COLUMN shard, DROP COLUMN changed_at, DROP COLUMN search`,
  `CREATE INDEX instance_beating ON instance (last_beat_at) WHERE status <> 'gone'`,
  `CREATE INDEX instance_gone ON instance (last_beat_at) WHERE status = 'gone'`,
  'DROP TABLE shard, replica',
];
