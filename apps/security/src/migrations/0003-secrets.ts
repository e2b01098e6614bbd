import { underRowSecurity } from './0001-security.ts';

/** Secrets of workspaces, and which master key the signing keys of before are sealed with: that of everything else. */
export const up: string[] = [
  `CREATE TABLE data_key (
    workspace uuid NOT NULL REFERENCES workspace (id),
    version integer NOT NULL,
    sealed bytea NOT NULL,
    master_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, version)
  )`,
  ...underRowSecurity('data_key'),

  `CREATE TABLE secret (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    version integer NOT NULL,
    data_key integer NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL,
    last_used_at timestamptz,
    PRIMARY KEY (workspace, id),
    UNIQUE (workspace, name),
    FOREIGN KEY (workspace, data_key) REFERENCES data_key (workspace, version)
  )`,
  ...underRowSecurity('secret'),

  `ALTER TABLE signing_key ADD COLUMN master_key text`,
  `UPDATE signing_key SET master_key = (SELECT v.master_key FROM sealed_value v ORDER BY v.created_at LIMIT 1)`,
];

export const down: string[] = [`ALTER TABLE signing_key DROP COLUMN master_key`, `DROP TABLE secret`, `DROP TABLE data_key`];
