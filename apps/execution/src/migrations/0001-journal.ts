import { outboxDown, outboxUp } from '@signalbox/shared/outbox/outbox.sql.js';

/** Row security of a table whose rows belong to workspaces. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

/** Takes rights from both roles: on what is only ever appended to, and on partitions, which are reached through their parent alone. */
function revoke(rights: string, table: string): string {
  return `DO $$ BEGIN EXECUTE format('REVOKE ${rights} ON ${table} FROM %I, %I', current_schema(), current_schema() || '_system'); END $$`;
}

const partitioned = ['journal', 'blob', 'snapshot'] as const;

export const up: string[] = [
  `CREATE TABLE definition (
    workspace uuid NOT NULL,
    hash text NOT NULL,
    manifest text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, hash)
  )`,
  ...walled('definition'),
  revoke('UPDATE, DELETE', 'definition'),

  `CREATE TABLE workflow (
    workspace uuid NOT NULL,
    name text NOT NULL,
    hash text NOT NULL,
    description text,
    labels jsonb NOT NULL DEFAULT '{}',
    steps int NOT NULL,
    version int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...walled('workflow'),

  // Truth: what happened to each run. A row holds the transitions seq .. seq + count - 1.
  `CREATE TABLE journal (
    run_id uuid NOT NULL,
    seq int NOT NULL,
    day date NOT NULL,
    count int NOT NULL,
    workspace uuid NOT NULL,
    writer text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (run_id, seq, day)
  ) PARTITION BY RANGE (day)`,
  ...walled('journal'),
  revoke('UPDATE, DELETE', 'journal'),

  `CREATE TABLE blob (
    run_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    day date NOT NULL,
    workspace uuid NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (run_id, sha256, day)
  ) PARTITION BY RANGE (day)`,
  ...walled('blob'),
  revoke('UPDATE, DELETE', 'blob'),

  `CREATE TABLE snapshot (
    run_id uuid NOT NULL,
    seq int NOT NULL,
    day date NOT NULL,
    workspace uuid NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (run_id, seq, day)
  ) PARTITION BY RANGE (day)`,
  ...walled('snapshot'),

  `CREATE TABLE run (
    run_id uuid PRIMARY KEY,
    day date NOT NULL,
    workspace uuid NOT NULL,
    workflow text NOT NULL,
    definition text NOT NULL,
    shard smallint NOT NULL,
    status text NOT NULL,
    reason text,
    labels jsonb NOT NULL DEFAULT '{}',
    principal text NOT NULL,
    principal_name text NOT NULL,
    grant_id text NOT NULL,
    parent uuid,
    timeout_ms bigint NOT NULL,
    wake_at timestamptz,
    closing boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    error text,
    progress text NOT NULL,
    usage text NOT NULL
  ) WITH (fillfactor = 85)`,
  `CREATE INDEX run_newest ON run (workspace, run_id DESC)`,
  `CREATE INDEX run_by_workflow ON run (workspace, workflow, run_id DESC)`,
  `CREATE INDEX run_unsuccessful ON run (workspace, status, run_id DESC) WHERE status IN ('failed', 'cancelled')`,
  `CREATE INDEX run_by_label ON run USING gin (labels jsonb_path_ops) WHERE labels <> '{}'`,
  `CREATE INDEX run_live ON run (shard) WHERE status = 'running' OR closing`,
  `CREATE INDEX run_wake ON run (wake_at) WHERE wake_at IS NOT NULL`,
  `CREATE INDEX run_day ON run (day)`,
  ...walled('run'),

  `CREATE TABLE start_key (
    workspace uuid NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    run_id uuid NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (workspace, key)
  )`,
  `CREATE INDEX start_key_expires ON start_key (expires)`,
  ...walled('start_key'),

  // What reaches a run while nobody answers for its shard.
  `CREATE TABLE inbox (
    run_id uuid NOT NULL,
    id uuid NOT NULL,
    shard smallint NOT NULL,
    workspace uuid NOT NULL,
    event text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run_id, id)
  )`,
  `CREATE INDEX inbox_shard ON inbox (shard)`,
  ...walled('inbox'),

  `CREATE TABLE budget (
    workspace uuid NOT NULL,
    scope text NOT NULL,
    cap jsonb NOT NULL,
    spent jsonb NOT NULL,
    PRIMARY KEY (workspace, scope)
  )`,
  ...walled('budget'),

  // Who owns which runs. A replica renews one row, its shards refer to it.
  `CREATE TABLE replica (owner uuid PRIMARY KEY, lease_until timestamptz NOT NULL)`,
  `CREATE TABLE shard (shard smallint PRIMARY KEY, owner uuid, epoch int NOT NULL DEFAULT 0)`,
  `INSERT INTO shard (shard) SELECT generate_series(0, 255)`,

  ...outboxUp,

  `CREATE FUNCTION make_days(first date, last date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE d date; parent text; part text;
   BEGIN
     SET LOCAL lock_timeout = '5s';
     FOR d IN SELECT generate_series(first, last, interval '1 day')::date LOOP
       FOREACH parent IN ARRAY ARRAY['${partitioned.join(`', '`)}'] LOOP
         part := parent || '_' || to_char(d, 'YYYYMMDD');
         IF to_regclass(part) IS NULL THEN
           EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent, d, d + 1);
           EXECUTE format('REVOKE ALL ON %I FROM %I, %I', part, current_schema(), current_schema() || '_system');
         END IF;
       END LOOP;
     END LOOP;
   END $$`,
  // The caller has seen that no run of that day lives.
  `CREATE FUNCTION drop_day(d date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
   DECLARE parent text;
   BEGIN
     SET LOCAL lock_timeout = '2s';
     FOREACH parent IN ARRAY ARRAY['${partitioned.join(`', '`)}'] LOOP
       EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(d, 'YYYYMMDD'));
     END LOOP;
   END $$`,
  `DO $$ BEGIN
     EXECUTE format('GRANT EXECUTE ON FUNCTION make_days(date, date), drop_day(date) TO %I', current_schema() || '_system');
   END $$`,
  `SELECT make_days(current_date - 1, current_date + 7)`,
];

export const down: string[] = [
  'DROP FUNCTION drop_day(date)',
  'DROP FUNCTION make_days(date, date)',
  ...outboxDown,
  'DROP TABLE shard, replica, budget, inbox, start_key, run, snapshot, blob, journal, workflow, definition',
];
