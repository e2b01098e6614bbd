import { type Client, escapeIdentifier, escapeLiteral } from 'pg';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { owningServices, roleKinds, roleOf, schemaOf, type RoleKind } from './services.ts';

/** Passwords by role name. */
export type RolePasswords = (role: string) => string;

/** What one role may be; the request role is held by row security, the system role is not. */
const attributesOf: Record<RoleKind, string> = {
  owner: 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS',
  request: 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS',
  system: 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT BYPASSRLS',
};

/** Two set-ups at once may try to make the same role: the second finds it made. */
const alreadyThere = new Set(['42710', '23505']);

/** Makes the three roles of each service, or gives them these passwords if they exist. */
export async function ensureRoles(client: Client, passwordOf: RolePasswords, services = owningServices): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles');
  const existing = new Set(rows.map(({ rolname }) => rolname));
  const isSuperuser = (await client.query<{ is: string }>(`SELECT current_setting('is_superuser') AS is`)).rows[0]?.is === 'on';
  for (const service of services) {
    for (const kind of roleKinds) {
      const role = roleOf(service, kind);
      const [name, password] = [escapeIdentifier(role), escapeLiteral(passwordOf(role))];
      const alter = `ALTER ROLE ${name} PASSWORD ${password}`;
      const create = `CREATE ROLE ${name} ${attributesOf[kind]} PASSWORD ${password}`;
      if (existing.has(role)) await client.query(alter);
      else await client.query(create).catch(unless(alreadyThere));
    }
    // Who is no superuser makes the schemas as a member of their owners.
    const join = `GRANT ${escapeIdentifier(roleOf(service, 'owner'))} TO CURRENT_USER`;
    if (!isSuperuser) await client.query(join);
  }
}

/**
 * In a database: nobody but the services' roles comes in, each service has a schema that only its roles see, and what its owner makes there its
 * other two roles may read and write. Safe to repeat.
 */
export async function ensureSchemas(client: Client, database: string, services = owningServices): Promise<void> {
  const name = escapeIdentifier(database);
  const closed = [`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`, 'REVOKE ALL ON SCHEMA public FROM PUBLIC'];
  for (const statement of closed) await client.query(statement);
  const { rows } = await client.query<{ nspname: string }>('SELECT nspname FROM pg_namespace');
  const existing = new Set(rows.map(({ nspname }) => nspname));
  for (const service of services) {
    for (const statement of schemaStatements(name, service, existing.has(schemaOf(service)))) await client.query(statement);
  }
}

function schemaStatements(database: string, service: ServiceName, isThere: boolean): string[] {
  const schema = escapeIdentifier(schemaOf(service));
  const roles = roleKinds.map((kind) => escapeIdentifier(roleOf(service, kind)));
  const [owner, ...others] = roles;
  return [
    `GRANT CONNECT ON DATABASE ${database} TO ${roles.join(', ')}`,
    ...roles.map((role) => `ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${schema}`),
    ...(isThere ? [] : [`CREATE SCHEMA ${schema} AUTHORIZATION ${owner}`]),
    `SET ROLE ${owner}`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${others.join(', ')}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${others.join(', ')}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT USAGE, SELECT ON SEQUENCES TO ${others.join(', ')}`,
    // Functions of the owner can run with its rights: each must be granted by name.
    'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
    'RESET ROLE',
  ];
}

/** Makes the database if it is missing; true when it was. */
export async function ensureDatabase(client: Client, database: string): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
  if (rows.length > 0) return false;
  const create = `CREATE DATABASE ${escapeIdentifier(database)} TEMPLATE template0`;
  await client.query(create);
  return true;
}

function unless(codes: ReadonlySet<string>): (error: Error & { code?: string }) => void {
  return (error) => {
    if (!error.code || !codes.has(error.code)) throw error;
  };
}
