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
  `CREATE TABLE agent (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id uuid NOT NULL UNIQUE,
    kind text NOT NULL,
    description text NOT NULL,
    labels jsonb NOT NULL,
    skills jsonb NOT NULL,
    search text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    event_version bigint NOT NULL,
    status text NOT NULL,
    status_reason text,
    breaker text,
    breaker_version bigint NOT NULL DEFAULT 0,
    probed boolean,
    probe_note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('agent'),
  `CREATE TABLE agent_version (
    workspace uuid NOT NULL,
    agent uuid NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    manifest jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, agent, version)
  )`,
  `CREATE INDEX agent_version_hash ON agent_version (workspace, agent, hash)`,
  ...inWorkspaceOnly('agent_version'),
  // What a version says never changes; it goes only with its agent.
  `REVOKE UPDATE ON agent_version FROM registry, registry_system`,
  `CREATE TABLE instance (
    workspace uuid NOT NULL,
    agent text NOT NULL,
    instance text NOT NULL,
    id uuid NOT NULL UNIQUE,
    status text NOT NULL,
    status_reason text,
    is_lost boolean NOT NULL DEFAULT false,
    capacity integer NOT NULL,
    in_flight integer NOT NULL,
    skills text[],
    runner text NOT NULL,
    event_version bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_beat_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, agent, instance)
  )`,
  `CREATE INDEX instance_beating ON instance (last_beat_at) WHERE status <> 'gone'`,
  `CREATE INDEX instance_gone ON instance (last_beat_at) WHERE status = 'gone'`,
  ...inWorkspaceOnly('instance'),
  // What events of mcp-server said last. Identifiers rise in time: a newer one is a newer server of that name.
  `CREATE TABLE mcp_server (
    workspace uuid NOT NULL,
    name text NOT NULL,
    id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    status_reason text,
    event_version bigint NOT NULL,
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('mcp_server'),
];

export const down: string[] = [
  'DROP TABLE mcp_server',
  'DROP TABLE instance',
  'DROP TABLE agent_version',
  'DROP TABLE agent',
  ...outboxDown,
];
