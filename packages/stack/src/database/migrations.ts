import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Client } from 'pg';
import { StackFault } from '../stack-fault.ts';

/** One step of a service's schema: SQL statements that run in one transaction, and those that undo them. */
export interface Migration {
  /** The file's name without its ending, as `0001-agents`. */
  name: string;
  up: readonly string[];
  down: readonly string[];
  /**
   * Whether versions without it cannot work on the schema any more. Migrations only extend what is there, so that the version before runs beside this
   * one and may come back: one that takes away or changes what that one uses exports `breaks`.
   */
  breaks: boolean;
}

const filePattern = /^\d{4}-[a-z0-9-]+\.(js|ts)$/;

/** The migrations in a folder, in order; none when the folder is missing. */
export async function loadMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => filePattern.test(name)).sort();
  return Promise.all(
    files.map(async (file) => {
      const module = (await import(pathToFileURL(join(folder, file)).href)) as Partial<Migration>;
      if (!Array.isArray(module.up) || !Array.isArray(module.down))
        throw new Error(`${join(folder, file)} must export the lists \`up\` and \`down\``);
      return {
        name: file.replace(/\.(js|ts)$/, ''),
        up: module.up as string[],
        down: module.down as string[],
        breaks: module.breaks === true,
      };
    }),
  );
}

/** Makes the table that remembers what was applied. Only the owner sees it. */
async function ensureTable(client: Client): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_attribute WHERE attrelid = to_regclass('schema_migration') AND attname = 'breaks' AND NOT attisdropped`,
  );
  if (rowCount === 1) return;
  await client.query(
    'CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())',
  );
  await client.query('ALTER TABLE schema_migration ADD COLUMN IF NOT EXISTS breaks boolean NOT NULL DEFAULT false');
  await client.query(
    `DO $$ BEGIN EXECUTE (SELECT format('REVOKE ALL ON schema_migration FROM %I, %I', current_schema(), current_schema() || '_system')); END $$`,
  );
}

/** Names of the applied migrations, in order. */
export async function appliedMigrations(client: Client): Promise<string[]> {
  await ensureTable(client);
  const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migration ORDER BY name');
  return rows.map(({ name }) => name);
}

/** Which migrations would be applied. Refuses a schema that has others which this version cannot work with. */
export async function pendingMigrations(client: Client, migrations: readonly Migration[]): Promise<Migration[]> {
  const applied = await appliedMigrations(client);
  const known = migrations.map(({ name }) => name);
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM schema_migration WHERE breaks AND name <> ALL ($1::text[]) ORDER BY name',
    [known],
  );
  if (rows.length > 0) {
    const names = rows.map(({ name }) => name).join(', ');
    throw new StackFault(
      `The database was migrated by a newer Signalbox: it has ${names}, which this one cannot work with.`,
      'Start the newer version again, or roll it back first with its own `npm run db:rollback`.',
    );
  }
  return migrations.filter(({ name }) => !applied.includes(name));
}

/** Applies one migration, or nothing of it. The owner's search path leads to its schema. */
export async function applyMigration(client: Client, migration: Migration): Promise<void> {
  await inTransaction(client, migration, 'up', () => applyStatements(client, migration));
}

/** Applies one migration in a transaction that the caller has begun. */
export async function applyStatements(client: Client, { name, up, breaks }: Migration): Promise<void> {
  for (const statement of up) await client.query(statement);
  await client.query('INSERT INTO schema_migration (name, breaks) VALUES ($1, $2)', [name, breaks]);
}

/** Undoes one migration, or nothing of it. */
export async function rollBackMigration(client: Client, migration: Migration): Promise<void> {
  await inTransaction(client, migration, 'down', async () => {
    for (const statement of migration.down) await client.query(statement);
    await client.query('DELETE FROM schema_migration WHERE name = $1', [migration.name]);
  });
}

async function inTransaction(client: Client, { name }: Migration, way: string, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    // A migration that waits behind a long transaction would make everybody wait behind it.
    await client.query(`SET LOCAL lock_timeout = '10s'`);
    await work();
    await client.query('COMMIT');
  } catch (cause) {
    await client.query('ROLLBACK').catch(() => undefined); // the first error is the one to tell
    throw new StackFault(
      `The migration ${name} (${way}) failed: ${(cause as Error).message}`,
      'Nothing of it was applied. Correct it and try again.',
      { cause },
    );
  }
}
