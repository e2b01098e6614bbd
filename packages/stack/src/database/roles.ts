import { type Client, escapeIdentifier, escapeLiteral } from 'pg';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { scramVerifier } from './scram.ts';
import { allRoles, backupRole, owningServices, roleKinds, roleOf, schemaOf } from './services.ts';

/** Passwords by role name. */
export type RolePasswords = (role: string) => string;

const attributes = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT';
const systemRoles = new Set(owningServices.map((service) => roleOf(service, 'system')));

/** What a role may be: requests and migrations are held by row security; background work and backups are not. */
function attributesOf(role: string): string {
  return `${attributes} ${systemRoles.has(role) || role === backupRole ? 'BYPASSRLS' : 'NOBYPASSRLS'}`;
}

/** Two set-ups at once may try to make the same role: the second finds it made. */
const alreadyThere = new Set(['42710', '23505']);

/** Makes the three roles of each service and the one of backups, or gives them these passwords if they exist. */
export async function ensureRoles(client: Client, passwordOf: RolePasswords): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles');
  const existing = new Set(rows.map(({ rolname }) => rolname));
  for (const role of allRoles) {
    const { create, change } = roleStatements(role, passwordOf);
    if (existing.has(role)) await client.query(change);
    else await client.query(create).catch(unless(alreadyThere));
  }
  const isSuperuser = (await client.query<{ is: string }>(`SELECT current_setting('is_superuser') AS is`)).rows[0]?.is === 'on';
  if (!isSuperuser) await client.query(joinRoles());
}

function roleStatements(role: string, passwordOf: RolePasswords): { create: string; change: string } {
  const [name, password] = [escapeIdentifier(role), escapeLiteral(scramVerifier(passwordOf(role)))];
  return { create: `CREATE ROLE ${name} ${attributesOf(role)} PASSWORD ${password}`, change: `ALTER ROLE ${name} PASSWORD ${password}` };
}

/** Who is no superuser makes the schemas as a member of their owners, and restores as one of the system roles. */
function joinRoles(): string {
  const roles = owningServices.flatMap((service) => [roleOf(service, 'owner'), roleOf(service, 'system')]);
  return `GRANT ${roles.map((role) => escapeIdentifier(role)).join(', ')} TO CURRENT_USER`;
}

/**
 * In a database: nobody but the services' roles comes in, each service has a schema that only its roles see, and what its owner makes there its
 * other two roles may read and write, and the one of backups read. Safe to repeat.
 */
export async function ensureSchemas(client: Client, database: string, services = owningServices): Promise<void> {
  for (const statement of schemaStatements(database, services)) await client.query(statement);
}

function schemaStatements(database: string, services: readonly ServiceName[]): string[] {
  const name = escapeIdentifier(database);
  return [
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
    'REVOKE ALL ON SCHEMA public FROM PUBLIC',
    `GRANT CONNECT ON DATABASE ${name} TO ${escapeIdentifier(backupRole)}`,
    ...services.flatMap((service) => statementsOf(name, service)),
  ];
}

function statementsOf(database: string, service: ServiceName): string[] {
  const schema = escapeIdentifier(schemaOf(service));
  const roles = roleKinds.map((kind) => escapeIdentifier(roleOf(service, kind)));
  const [owner, ...others] = roles;
  const backup = escapeIdentifier(backupRole);
  return [
    `GRANT CONNECT ON DATABASE ${database} TO ${roles.join(', ')}`,
    ...roles.map((role) => `ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${schema}`),
    `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${owner}`,
    `SET ROLE ${owner}`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${others.join(', ')}, ${backup}`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${backup}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${others.join(', ')}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA ${schema} GRANT SELECT ON TABLES TO ${backup}`,
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
  await client.query(createDatabase(database));
  return true;
}

function createDatabase(database: string): string {
  return `CREATE DATABASE ${escapeIdentifier(database)} TEMPLATE template0`;
}

/** All that the functions above do, as a script for psql that an administrator may read and run. Safe to run again. */
export function setUpScript(database: string, passwordOf: RolePasswords): string {
  const roles = allRoles.flatMap((role) => {
    const { create, change } = roleStatements(role, passwordOf);
    return [`DO $do$ BEGIN\n  ${create};\nEXCEPTION WHEN duplicate_object THEN\n  ${change};\nEND $do$`];
  });
  const isMember = `DO $do$ BEGIN\n  IF current_setting('is_superuser') = 'off' THEN\n    ${joinRoles()};\n  END IF;\nEND $do$`;
  return `-- Roles, database, schemas and grants of Signalbox. An administrator runs it, as often as wanted:
--   psql -v ON_ERROR_STOP=1 -f THIS_FILE postgres://ADMINISTRATOR@HOST/postgres
-- Passwords are in it as SCRAM-SHA-256 verifiers, which nobody can sign in with.
${[...roles, isMember].join(';\n')};
SELECT ${escapeLiteral(createDatabase(database))} WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = ${escapeLiteral(database)}) \\gexec
\\connect ${escapeIdentifier(database)}
${schemaStatements(database, owningServices).join(';\n')};
`;
}

function unless(codes: ReadonlySet<string>): (error: Error & { code?: string }) => void {
  return (error) => {
    if (!error.code || !codes.has(error.code)) throw error;
  };
}
