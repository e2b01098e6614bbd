import { Client, escapeIdentifier, escapeLiteral } from 'pg';
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
  for (const service of services) {
    for (const kind of roleKinds) {
      const role = roleOf(service, kind);
      const rest = `ROLE ${escapeIdentifier(role)} ${attributesOf[kind]} PASSWORD ${escapeLiteral(passwordOf(role))}`;
      if (existing.has(role)) await client.query(`ALTER ${rest}`);
      else await client.query(`CREATE ${rest}`).catch(unless(alreadyThere));
    }
  }
}

/**
 * In a database: nobody but the services' roles comes in, each service has a schema that only its roles see, and what its owner makes there its
 * other two roles may read and write. Safe to repeat.
 */
export async function ensureSchemas(client: Client, database: string, services = owningServices): Promise<void> {
  const name = escapeIdentifier(database);
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
  for (const service of services) await ensureSchema(client, name, service);
}

async function ensureSchema(client: Client, database: string, service: ServiceName): Promise<void> {
  const schema = escapeIdentifier(schemaOf(service));
  const [owner, request, system] = roleKinds.map((kind) => escapeIdentifier(roleOf(service, kind)));
  const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schemaOf(service)]);
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${owner}, ${request}, ${system}`);
  for (const role of [owner, request, system]) await client.query(`ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${schema}`);
  if (rows.length === 0) await client.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${owner}`);
  await client.query(`SET ROLE ${owner}`);
  await client.query(`GRANT USAGE ON SCHEMA ${schema} TO ${request}, ${system}`);
  await client.query(
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${request}, ${system}`,
  );
  await client.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT USAGE, SELECT ON SEQUENCES TO ${request}, ${system}`);
  // Functions of the owner can run with its rights: each must be granted by name.
  await client.query('ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC');
  await client.query('RESET ROLE');
}

/** Makes the database if it is missing; true when it was. */
export async function ensureDatabase(client: Client, database: string): Promise<boolean> {
  const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
  if (rows.length > 0) return false;
  await client.query(`CREATE DATABASE ${escapeIdentifier(database)} TEMPLATE template0`);
  return true;
}

function unless(codes: ReadonlySet<string>): (error: { code?: string }) => void {
  return (error) => {
    if (!error.code || !codes.has(error.code)) throw error;
  };
}
