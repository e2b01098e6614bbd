/** Row security: a transaction sees the rows of its workspace, and without one none. */
function inWorkspaceOnly(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  `CREATE TABLE channel (
    workspace uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    manifest jsonb NOT NULL,
    bearer text NOT NULL,
    applied_by text NOT NULL,
    paused_reason text,
    last_sent_at timestamptz,
    last_failure text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  ...inWorkspaceOnly('channel'),
  `CREATE TABLE notification_rule (
    workspace uuid NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    hash text NOT NULL,
    manifest jsonb NOT NULL,
    bearer text NOT NULL,
    applied_by text NOT NULL,
    next_at timestamptz,
    last_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
  )`,
  `CREATE INDEX notification_rule_due ON notification_rule (next_at) WHERE next_at IS NOT NULL`,
  ...inWorkspaceOnly('notification_rule'),
  `CREATE TABLE notification (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    rule text NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    group_key text NOT NULL,
    title text NOT NULL,
    severity text NOT NULL,
    message jsonb,
    events integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'waiting',
    due_at timestamptz NOT NULL,
    next_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    failure text,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE INDEX notification_due ON notification (next_at) WHERE status = 'waiting'`,
  `CREATE INDEX notification_waiting ON notification (workspace, channel, group_key, created_at) WHERE status = 'waiting'`,
  `CREATE INDEX notification_rate ON notification (workspace, rule, channel, due_at)`,
  `CREATE INDEX notification_ended ON notification (ended_at) WHERE ended_at IS NOT NULL`,
  ...inWorkspaceOnly('notification'),
  // What an event became, by rule and channel: one that comes twice is told once. Beyond what a message shows, the notice itself is not kept.
  `CREATE TABLE notification_event (
    workspace uuid NOT NULL,
    event uuid NOT NULL,
    rule text NOT NULL,
    channel text NOT NULL,
    notification uuid NOT NULL,
    place integer NOT NULL,
    notice jsonb,
    PRIMARY KEY (workspace, event, rule, channel)
  )`,
  `CREATE INDEX notification_event_of ON notification_event (workspace, notification, place)`,
  ...inWorkspaceOnly('notification_event'),
  // Who looked at which version of an agent, by the agent's id: who deletes one and makes another of that name begins unsigned.
  `CREATE TABLE sign_off (
    workspace uuid NOT NULL,
    agent uuid NOT NULL,
    version integer NOT NULL,
    by_principal text NOT NULL,
    by_name text NOT NULL,
    note text,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, agent, version)
  )`,
  ...inWorkspaceOnly('sign_off'),
  `REVOKE UPDATE, DELETE, TRUNCATE ON sign_off FROM registry, registry_system`,
];

export const down: string[] = [
  'DROP TABLE sign_off',
  'DROP TABLE notification_event',
  'DROP TABLE notification',
  'DROP TABLE notification_rule',
  'DROP TABLE channel',
];
