import { outboxDown, outboxUp } from '@signalbox/shared/outbox/outbox.sql.js';

/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  ...outboxUp,
  `CREATE TABLE mcp_server (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id uuid NOT NULL UNIQUE,
    manifest json NOT NULL,
    transport text NOT NULL,
    search text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    event_version bigint NOT NULL DEFAULT 0,
    status text NOT NULL,
    status_reason text,
    containment text,
    restarts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    ready_since timestamptz,
    server_info json,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('mcp_server'),
  `CREATE TABLE tool (
    workspace uuid NOT NULL,
    server uuid NOT NULL REFERENCES mcp_server (id) ON DELETE CASCADE,
    name text NOT NULL,
    definition json NOT NULL,
    hash text NOT NULL,
    pin text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz,
    PRIMARY KEY (workspace, server, name)
  )`,
  ...inWorkspaceOnly('tool'),
];

export const down: string[] = ['DROP TABLE tool', 'DROP TABLE mcp_server', ...outboxDown];
