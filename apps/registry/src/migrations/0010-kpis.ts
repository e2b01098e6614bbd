/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  // What was measured within a minute, an hour, a day. Buckets are counts, which doubles hold exactly and the driver gives as numbers.
  `CREATE TABLE kpi_bucket (
    workspace uuid NOT NULL,
    kpi text NOT NULL,
    agent text NOT NULL,
    version integer NOT NULL,
    width text NOT NULL,
    at timestamptz NOT NULL,
    count double precision NOT NULL,
    bad double precision NOT NULL,
    sum double precision NOT NULL,
    buckets double precision[] NOT NULL,
    PRIMARY KEY (workspace, width, agent, version, kpi, at)
  )`,
  `CREATE INDEX kpi_bucket_age ON kpi_bucket (width, at)`,
  ...inWorkspaceOnly('kpi_bucket'),
  // Reports that have been counted, so that one that is sent again is not. Of all workspaces: requests see none.
  `CREATE TABLE kpi_report (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
  )`,
  `CREATE INDEX kpi_report_age ON kpi_report (at)`,
  `ALTER TABLE kpi_report ENABLE ROW LEVEL SECURITY`,
  `ALTER TABLE kpi_report FORCE ROW LEVEL SECURITY`,
  // Budgets that are being used up too fast.
  `CREATE TABLE kpi_burn (
    workspace uuid NOT NULL,
    kpi text NOT NULL,
    agent text NOT NULL,
    id uuid NOT NULL,
    urgency text NOT NULL,
    event_version integer NOT NULL DEFAULT 1,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, kpi, agent)
  )`,
  ...inWorkspaceOnly('kpi_burn'),
  `CREATE TABLE objective (
    workspace uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    manifest jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('objective'),
];

export const down: string[] = ['DROP TABLE objective', 'DROP TABLE kpi_burn', 'DROP TABLE kpi_report', 'DROP TABLE kpi_bucket'];
