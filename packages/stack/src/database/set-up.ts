import { StackFault } from '../stack-fault.ts';
import { urlWith, withClient } from './connect.ts';
import { ensureDatabase, ensureRoles, ensureSchemas } from './roles.ts';
import { allRoles, backupRole, databaseName, owningServices, schemaOf } from './services.ts';

/**
 * Makes roles, database and schemas, as a role that may; for any other user they must be there (`signalbox db init --print`). Safe to repeat.
 * Returns the database's URL, still with the given user.
 */
export async function setUpDatabase(adminUrl: string, passwordOf: (role: string) => string): Promise<string> {
  const database = databaseOf(adminUrl);
  const url = urlWith(adminUrl, { database });
  const maintenance = urlWith(adminUrl, { database: 'postgres' });
  if (!(await mayMakeRoles(maintenance))) {
    await checkSetUp(url, passwordOf);
    return url;
  }
  await withClient(maintenance, async (client) => {
    await ensureRoles(client, passwordOf);
    await ensureDatabase(client, database);
  });
  await withClient(url, (client) => ensureSchemas(client, database));
  return url;
}

/** The database of an administrator's URL; the maintenance database means ours. */
export function databaseOf(adminUrl: string): string {
  const given = decodeURIComponent(new URL(adminUrl).pathname.slice(1));
  return given === '' || given === 'postgres' ? databaseName : given;
}

/** A URL without a user can make nothing either. */
async function mayMakeRoles(url: string): Promise<boolean> {
  if (new URL(url).username === '') return false;
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ may: boolean }>(
      'SELECT rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user',
    );
    return rows[0]?.may === true;
  });
}

/** The role of backups sees everything that must be there. */
async function checkSetUp(url: string, passwordOf: (role: string) => string): Promise<void> {
  const next =
    'Give DATABASE_URL a role that may create roles, or have an administrator run what `signalbox db init --print` prints for this data folder.';
  try {
    await withClient(urlWith(url, { user: backupRole, password: passwordOf(backupRole) }), async (client) => {
      const { rows } = await client.query<{ missing: string }>(
        `SELECT 'role ' || name AS missing FROM unnest($1::text[]) name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
         UNION ALL SELECT 'schema ' || name FROM unnest($2::text[]) name WHERE to_regnamespace(quote_ident(name)) IS NULL`,
        [allRoles, owningServices.map(schemaOf)],
      );
      if (rows.length > 0) throw new StackFault(`The database is not set up: ${rows.map(({ missing }) => missing).join(', ')}.`, next);
    });
  } catch (error) {
    if (!(error instanceof StackFault)) throw error;
    throw new StackFault(
      `The user of DATABASE_URL may not create roles, and they are not set up for this data folder. ${error.detail}`,
      next,
      {
        cause: error,
      },
    );
  }
}
