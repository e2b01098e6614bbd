import { outboxDown, outboxUp } from '@signalbox/shared/outbox/outbox.sql.js';

/** The second wall: a transaction sees the rows of the workspace that it was opened for, and none without one. */
export function underRowSecurity(table: string, column = 'workspace'): string[] {
  return [
    `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
    `ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY own_workspace ON ${table} USING (${column} = nullif(current_setting('sb.workspace', true), '')::uuid)`,
  ];
}

/** Functions of the owner may look past the wall, and only they: each gives what one exact credential is. */
function seenByFunctions(table: string): string {
  return `CREATE POLICY seen_by_functions ON ${table} FOR SELECT TO CURRENT_USER USING (true)`;
}

/** What every look-up of a credential says of the principal behind it. */
const credentialColumns = `
  workspace uuid, id uuid, principal uuid, kind text, name text, principal_roles text[], roles text[], scopes text[], service text,
  expires_at timestamptz, refusal text`;

/** Only these: `SECURITY DEFINER` functions run with their owner's rights. */
function callableByRequests(signature: string): string[] {
  return [`REVOKE ALL ON FUNCTION ${signature} FROM PUBLIC`, `GRANT EXECUTE ON FUNCTION ${signature} TO security`];
}

export const up: string[] = [
  `CREATE TABLE workspace (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    title text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  ...underRowSecurity('workspace', 'id'),
  seenByFunctions('workspace'),

  `CREATE TABLE principal (
    workspace uuid NOT NULL REFERENCES workspace (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('user', 'service-account', 'agent')),
    name text NOT NULL,
    roles text[] NOT NULL,
    is_installation boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    PRIMARY KEY (workspace, id)
  )`,
  `CREATE UNIQUE INDEX principal_name ON principal (workspace, kind, name) WHERE kind <> 'agent'`,
  ...underRowSecurity('principal'),
  seenByFunctions('principal'),

  `CREATE TABLE api_key (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    principal uuid NOT NULL,
    name text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    roles text[],
    scopes text[] NOT NULL,
    is_preset boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, principal) REFERENCES principal (workspace, id)
  )`,
  `CREATE INDEX api_key_principal ON api_key (workspace, principal)`,
  ...underRowSecurity('api_key'),
  seenByFunctions('api_key'),

  `CREATE TABLE browser_session (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    principal uuid NOT NULL,
    key uuid NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, key) REFERENCES api_key (workspace, id)
  )`,
  `CREATE INDEX browser_session_principal ON browser_session (workspace, principal) WHERE ended_at IS NULL`,
  ...underRowSecurity('browser_session'),
  seenByFunctions('browser_session'),

  `CREATE TABLE access_grant (
    workspace uuid NOT NULL,
    id uuid NOT NULL,
    principal uuid NOT NULL,
    via text NOT NULL,
    service text NOT NULL,
    purpose text NOT NULL,
    roles text[] NOT NULL,
    scopes text[] NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (workspace, id),
    FOREIGN KEY (workspace, principal) REFERENCES principal (workspace, id)
  )`,
  `CREATE INDEX access_grant_via ON access_grant (workspace, via) WHERE revoked_at IS NULL`,
  ...underRowSecurity('access_grant'),
  seenByFunctions('access_grant'),

  `CREATE TABLE revocation (
    workspace uuid NOT NULL,
    id text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace, id, at)
  )`,
  `CREATE INDEX revocation_at ON revocation (at)`,
  ...underRowSecurity('revocation'),
  seenByFunctions('revocation'),
  `REVOKE UPDATE, DELETE ON revocation FROM security`,

  `CREATE FUNCTION find_key(given bytea) RETURNS TABLE (${credentialColumns}) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
   BEGIN
     RETURN QUERY
     SELECT k.workspace, k.id, p.id, p.kind, p.name, p.roles, coalesce(k.roles, p.roles), k.scopes, ''::text, k.expires_at,
       CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= clock_timestamp() THEN 'expired'
            WHEN p.disabled_at IS NOT NULL THEN 'disabled' END
     FROM api_key k JOIN principal p ON p.workspace = k.workspace AND p.id = k.principal
     WHERE k.hash = given;
   END $$`,
  ...callableByRequests('find_key(bytea)'),

  `CREATE FUNCTION find_session(given bytea, idle interval) RETURNS TABLE (${credentialColumns}) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
   BEGIN
     RETURN QUERY
     SELECT s.workspace, s.id, p.id, p.kind, p.name, p.roles, coalesce(k.roles, p.roles), k.scopes, ''::text, s.expires_at,
       CASE WHEN s.ended_at IS NOT NULL THEN 'ended' WHEN s.expires_at <= clock_timestamp() THEN 'expired'
            WHEN s.last_used_at + idle <= clock_timestamp() THEN 'idle' WHEN k.revoked_at IS NOT NULL THEN 'revoked'
            WHEN k.expires_at <= clock_timestamp() THEN 'expired' WHEN p.disabled_at IS NOT NULL THEN 'disabled' END
     FROM browser_session s JOIN api_key k ON k.workspace = s.workspace AND k.id = s.key
       JOIN principal p ON p.workspace = s.workspace AND p.id = s.principal
     WHERE s.hash = given;
   END $$`,
  ...callableByRequests('find_session(bytea, interval)'),

  `CREATE FUNCTION find_grant(given bytea) RETURNS TABLE (${credentialColumns}) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
   BEGIN
     RETURN QUERY
     SELECT g.workspace, g.id, p.id, p.kind, p.name, p.roles, g.roles, g.scopes, g.service, NULL::timestamptz,
       CASE WHEN g.revoked_at IS NOT NULL THEN 'revoked' WHEN p.disabled_at IS NOT NULL THEN 'disabled' END
     FROM access_grant g JOIN principal p ON p.workspace = g.workspace AND p.id = g.principal
     WHERE g.hash = given;
   END $$`,
  ...callableByRequests('find_grant(bytea)'),

  `CREATE FUNCTION list_all_workspaces(after_name text, words text, most int)
   RETURNS TABLE (id uuid, name text, title text, created_at timestamptz) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
   BEGIN
     RETURN QUERY SELECT w.id, w.name, w.title, w.created_at FROM workspace w
     WHERE w.name > after_name AND (words = '' OR position(lower(words) IN lower(w.name || ' ' || w.title)) > 0)
     ORDER BY w.name LIMIT most;
   END $$`,
  ...callableByRequests('list_all_workspaces(text, text, int)'),

  `CREATE FUNCTION revocations_since(since timestamptz, most int) RETURNS TABLE (id text, at timestamptz) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
   BEGIN
     RETURN QUERY SELECT r.id, r.at FROM revocation r WHERE r.at >= since ORDER BY r.at DESC LIMIT most;
   END $$`,
  ...callableByRequests('revocations_since(timestamptz, int)'),

  `CREATE TABLE sealed_value (
    name text PRIMARY KEY,
    sealed bytea NOT NULL,
    master_key text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  `REVOKE ALL ON sealed_value FROM security`,

  `CREATE TABLE signing_key (
    period bigint PRIMARY KEY,
    kid text NOT NULL UNIQUE,
    public_jwk jsonb NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
  `REVOKE ALL ON signing_key FROM security`,

  `CREATE TABLE audit_entry (
    workspace uuid NOT NULL,
    seq bigint NOT NULL,
    id text NOT NULL,
    at timestamptz NOT NULL,
    service text NOT NULL,
    principal text NOT NULL,
    name text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    outcome text NOT NULL,
    detail jsonb,
    hash bytea NOT NULL,
    PRIMARY KEY (workspace, seq),
    UNIQUE (workspace, id)
  )`,
  `CREATE INDEX audit_entry_principal ON audit_entry (workspace, principal, seq)`,
  `CREATE INDEX audit_entry_action ON audit_entry (workspace, action, seq)`,
  ...underRowSecurity('audit_entry'),
  `REVOKE INSERT, UPDATE, DELETE ON audit_entry FROM security`,
  `REVOKE UPDATE, DELETE ON audit_entry FROM security_system`,

  `CREATE TABLE audit_head (
    workspace uuid PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
  )`,
  ...underRowSecurity('audit_head'),
  `REVOKE INSERT, UPDATE, DELETE ON audit_head FROM security`,
  `REVOKE DELETE ON audit_head FROM security_system`,

  ...outboxUp,
  `REVOKE UPDATE, DELETE ON outbox FROM security`,
];

export const down: string[] = [
  ...outboxDown,
  `DROP TABLE audit_head`,
  `DROP TABLE audit_entry`,
  `DROP TABLE signing_key`,
  `DROP TABLE sealed_value`,
  `DROP FUNCTION revocations_since(timestamptz, int)`,
  `DROP FUNCTION list_all_workspaces(text, text, int)`,
  `DROP FUNCTION find_grant(bytea)`,
  `DROP FUNCTION find_session(bytea, interval)`,
  `DROP FUNCTION find_key(bytea)`,
  `DROP TABLE revocation`,
  `DROP TABLE access_grant`,
  `DROP TABLE browser_session`,
  `DROP TABLE api_key`,
  `DROP TABLE principal`,
  `DROP TABLE workspace`,
];
