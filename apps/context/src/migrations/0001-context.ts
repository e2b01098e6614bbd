import { outboxDown, outboxUp } from '@signalbox/shared/outbox/outbox.sql.js';

/** Nobody sees rows of another workspace, the owner of the tables included. */
function walled(table: string): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY workspace ON ${table} USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

export const up: string[] = [
  ...outboxUp,

  `CREATE TABLE blob (
    workspace uuid NOT NULL,
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, sha256)
  )`,
  `CREATE TABLE blob_chunk (
    workspace uuid NOT NULL,
    sha256 bytea NOT NULL,
    index int NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (workspace, sha256, index),
    FOREIGN KEY (workspace, sha256) REFERENCES blob ON DELETE CASCADE
  )`,
  // Most content is compressed already, or small: compressing it again costs more than it saves.
  `ALTER TABLE blob_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL`,
  `CREATE TABLE artifact (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    run uuid,
    step text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    idempotency_key text,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, sha256) REFERENCES blob
  )`,
  `CREATE INDEX artifact_run ON artifact (workspace, run, id) WHERE run IS NOT NULL`,
  `CREATE INDEX artifact_name ON artifact (workspace, name, id)`,
  `CREATE INDEX artifact_blob ON artifact (workspace, sha256)`,
  `CREATE UNIQUE INDEX artifact_key ON artifact (workspace, created_by, idempotency_key) WHERE idempotency_key IS NOT NULL`,

  `CREATE TABLE upload (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    facts json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE INDEX upload_age ON upload (created_at)`,
  `CREATE TABLE upload_chunk (
    workspace uuid NOT NULL,
    upload uuid NOT NULL,
    index int NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (workspace, upload, index),
    FOREIGN KEY (workspace, upload) REFERENCES upload ON DELETE CASCADE
  )`,
  `ALTER TABLE upload_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL`,

  `CREATE TABLE state_entry (
    workspace uuid NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    version bigint NOT NULL,
    value json NOT NULL,
    is_deleted boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL,
    PRIMARY KEY (workspace, scope, key)
  )`,
  `CREATE TABLE state_version (
    workspace uuid NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    version bigint NOT NULL,
    value json NOT NULL,
    is_deleted boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL,
    PRIMARY KEY (workspace, scope, key, version)
  )`,

  `CREATE TABLE thread (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    title text,
    labels json NOT NULL,
    messages bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    idempotency_key text,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE UNIQUE INDEX thread_key ON thread (workspace, created_by, idempotency_key) WHERE idempotency_key IS NOT NULL`,
  `CREATE TABLE message (
    workspace uuid NOT NULL,
    thread uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    role text NOT NULL,
    content json NOT NULL,
    name text,
    run uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    idempotency_key text,
    PRIMARY KEY (workspace, thread, seq),
    FOREIGN KEY (workspace, thread) REFERENCES thread ON DELETE CASCADE
  )`,
  `CREATE UNIQUE INDEX message_key ON message (workspace, thread, idempotency_key) WHERE idempotency_key IS NOT NULL`,

  ...['blob', 'blob_chunk', 'artifact', 'upload', 'upload_chunk', 'state_entry', 'state_version', 'thread', 'message'].flatMap(walled),
];

export const down: string[] = [
  ...['message', 'thread', 'state_version', 'state_entry', 'upload_chunk', 'upload', 'artifact', 'blob_chunk', 'blob'].map(
    (table) => `DROP TABLE ${table}`,
  ),
  ...outboxDown,
];
