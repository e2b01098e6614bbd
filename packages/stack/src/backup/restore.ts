import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { escapeIdentifier, type Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { withClient } from '../database/connect.ts';
import { appliedMigrations, applyStatements } from '../database/migrations.ts';
import { migrationsOf, type MigrationTarget } from '../database/service-migrations.ts';
import { owningServices, roleOf, schemaOf, type RoleKind } from '../database/services.ts';
import { StackFault } from '../stack-fault.ts';
import { backupLines, endOfRows, headOf, type Head, type TableLine } from './format.ts';

/** Refuses a backup whose secrets none of these master keys opens. `where` names the place of the key. */
export function checkMasterKey({ masterKey }: Head, ids: readonly string[], where: string): void {
  if (masterKey === null || ids.includes(masterKey)) return;
  const found = ids.length === 0 ? 'there is none' : `there is ${ids.join(', ')}`;
  throw new StackFault(
    `The backup needs the master key ${masterKey}, and in ${where} ${found}.`,
    `Put a copy of that key there and restore again. Nothing was written.`,
  );
}

/**
 * Puts a backup's rows into an installation that has none, in one transaction: all or nothing. The URL of `target` is an administrator's. A schema
 * that was never migrated gets the backup's migrations; one that was must have the same ones and empty tables: nothing is mixed.
 */
export async function restoreBackup(target: MigrationTarget, file: string): Promise<{ rows: number }> {
  return withClient(target.url, async (client) => {
    await client.query('BEGIN');
    const lines = backupLines(file);
    try {
      const head = headOf((await lines.next()).value as string, file);
      for (const service of owningServices) await prepareSchema(client, target, service, head.migrations[service] ?? []);
      let rows = 0;
      for (let line = await next(lines); line !== null; line = await next(lines)) {
        const table = JSON.parse(line) as TableLine;
        if (!owningServices.includes(table.service))
          throw new StackFault(`The backup names ${table.service}, which owns no data.`, 'The file was altered: use another one.');
        await makePartitions(client, table);
        rows += await copyTable(client, table, lines);
      }
      await client.query('COMMIT');
      return { rows };
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined); // the first error is the one to tell
      await lines.return(undefined);
      throw error;
    }
  });
}

/** Until the end of the transaction, or the next call, the client is this role in its schema. */
async function become(client: Client, service: ServiceName, kind: RoleKind): Promise<void> {
  const role = roleOf(service, kind);
  const statements = [
    'RESET ROLE',
    `SET LOCAL ROLE ${escapeIdentifier(role)}`,
    `SET LOCAL search_path = ${escapeIdentifier(schemaOf(service))}`,
  ];
  try {
    for (const statement of statements) await client.query(statement);
  } catch (cause) {
    if ((cause as { code?: string }).code !== '42501') throw cause;
    throw new StackFault(
      `A restore works as every service's roles, and this user of the database may not become ${role}.`,
      'Restore with DATABASE_URL of an administrator: a superuser, or the role that made the services’ roles.',
      { cause },
    );
  }
}

async function prepareSchema(client: Client, { root }: MigrationTarget, service: ServiceName, wanted: readonly string[]): Promise<void> {
  await become(client, service, 'owner');
  const applied = await appliedMigrations(client);
  if (applied.length > 0) {
    if (JSON.stringify(applied) === JSON.stringify(wanted)) return refuseRows(client, service);
    throw otherMigrations(service, 'the database has');
  }
  const known = await migrationsOf(root, service);
  for (const name of wanted) {
    const migration = known.find((each) => each.name === name);
    if (!migration) throw otherMigrations(service, 'this Signalbox has');
    await applyStatements(client, migration);
  }
  const tables = await tablesIn(client, service);
  const truncate = `TRUNCATE ${tables.join(', ')}`;
  if (tables.length > 0) await client.query(truncate); // of what migrations bring, the backup has the rows of its day
}

function otherMigrations(service: ServiceName, where: string): StackFault {
  return new StackFault(
    `The backup was written with other migrations of ${service} than ${where}.`,
    'Restore it with the Signalbox that wrote it, then update.',
  );
}

async function refuseRows(client: Client, service: ServiceName): Promise<void> {
  await become(client, service, 'system'); // the owner is held by row security
  for (const table of await tablesIn(client, service)) {
    const select = `SELECT 1 FROM ${table} LIMIT 1`;
    if ((await client.query(select)).rows.length === 0) continue;
    throw new StackFault(
      `The table ${service}.${table.replaceAll('"', '')} has rows already.`,
      'Restore into a new database or data folder, before Signalbox starts there. Nothing was written.',
    );
  }
}

async function tablesIn(client: Client, service: ServiceName): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'schema_migration' ORDER BY c.relname`,
    [schemaOf(service)],
  );
  return rows.map(({ name }) => escapeIdentifier(name));
}

const boundPattern = /^(?:DEFAULT|FOR VALUES (?:FROM \([^;]*\) TO \([^;]*\)|IN \([^;]*\)|WITH \(modulus \d+, remainder \d+\)))$/;

/** Partitions of days that are over are not there in a new installation. They are reached through their parent alone. */
async function makePartitions(client: Client, { service, table, partitions }: TableLine): Promise<void> {
  await become(client, service, 'owner');
  for (const [name, bound] of Object.entries(partitions)) {
    if (!boundPattern.test(bound))
      throw new StackFault(`The backup has a partition ${name} with a bound that cannot be.`, 'The file was altered: use another one.');
    const { rows } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [escapeIdentifier(name)]);
    if (rows[0]?.found) continue;
    const statements = [
      `CREATE TABLE ${escapeIdentifier(name)} PARTITION OF ${escapeIdentifier(table)} ${bound}`,
      `REVOKE ALL ON ${escapeIdentifier(name)} FROM ${escapeIdentifier(roleOf(service, 'request'))}, ${escapeIdentifier(roleOf(service, 'system'))}`,
    ];
    for (const statement of statements) await client.query(statement);
  }
}

async function copyTable(client: Client, { service, table, columns }: TableLine, lines: AsyncIterator<string>): Promise<number> {
  await become(client, service, 'system');
  const copy = client.query(
    copyFrom(`COPY ${escapeIdentifier(table)} (${columns.map((column) => escapeIdentifier(column)).join(', ')}) FROM STDIN`),
  );
  await pipeline(Readable.from(rowsOf(lines)), copy);
  return copy.rowCount;
}

async function* rowsOf(lines: AsyncIterator<string>): AsyncGenerator<Buffer> {
  for (let line = await next(lines); line !== endOfRows; line = await next(lines)) {
    if (line === null) throw new StackFault('The backup ends in the middle of a table.', 'The file is not whole: use another one.');
    yield Buffer.from(`${line}\n`);
  }
}

async function next(lines: AsyncIterator<string>): Promise<string | null> {
  const { done, value } = await lines.next();
  return done === true ? null : value;
}
