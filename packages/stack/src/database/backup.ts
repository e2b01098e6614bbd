import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, type Gzip } from 'node:zlib';
import { Client, escapeIdentifier } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { StackFault } from '../stack-fault.ts';
import { urlWith, withClient } from './connect.ts';
import { appliedMigrations } from './migrations.ts';
import type { MigrationTarget } from './service-migrations.ts';
import { owningServices, roleOf, schemaOf } from './services.ts';

/** The first line of a backup. */
interface Head {
  signalboxBackup: 1;
  at: string;
  /** Migrations that each schema had. */
  migrations: Record<string, string[]>;
}

/** The line before a table's rows, which are in PostgreSQL's text form of COPY, one a line, and end with `\.`. */
interface TableLine {
  service: ServiceName;
  table: string;
  columns: string[];
  /** Partitions by name, with their bounds as PostgreSQL writes them. */
  partitions: Record<string, string>;
}

const endOfRows = '\\.';

/**
 * Writes one file with all rows of all services as of one moment: a REPEATABLE READ snapshot that the connections of all services' system roles
 * share. Secrets stay sealed in it; the master key is not in it.
 */
export async function writeBackup(target: MigrationTarget, file: string): Promise<{ rows: number }> {
  const unfinished = `${file}.unfinished`;
  const gzip = createGzip({ level: 6 });
  const written = pipeline(gzip, createWriteStream(unfinished, { mode: 0o600 }));
  written.catch(() => undefined); // awaited below; until then it is not unhandled
  try {
    const rows = await withSnapshot(target, async (clients) => {
      await writeLine(gzip, { signalboxBackup: 1, at: new Date().toISOString(), migrations: await migrationsOf(target) } satisfies Head);
      let count = 0;
      for (const [service, client] of clients) count += await copyService(service, client, gzip);
      return count;
    });
    gzip.end();
    await written;
    await rename(unfinished, file);
    return { rows };
  } catch (error) {
    gzip.destroy();
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function withSnapshot<T>(target: MigrationTarget, work: (clients: [ServiceName, Client][]) => Promise<T>): Promise<T> {
  const clients: [ServiceName, Client][] = [];
  try {
    let snapshot: string | null = null;
    for (const service of owningServices) {
      const user = roleOf(service, 'system');
      const client = new Client({
        connectionString: urlWith(target.url, { user, password: target.passwordOf(user) }),
        application_name: 'signalbox-backup',
      });
      client.on('error', () => undefined); // queries reject by themselves
      await client.connect();
      clients.push([service, client]);
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      if (snapshot === null) snapshot = (await client.query<{ name: string }>('SELECT pg_export_snapshot() AS name')).rows[0]!.name;
      else await client.query({ text: setSnapshot(snapshot) });
    }
    return await work(clients);
  } finally {
    await Promise.all(clients.map(([, client]) => client.end()));
  }
}

/** The name is PostgreSQL's own; the statement takes no parameters. */
function setSnapshot(name: string): string {
  if (!/^[0-9A-F-]+$/.test(name)) throw new Error('not the name of a snapshot');
  return `SET TRANSACTION SNAPSHOT '${name}'`;
}

async function migrationsOf(target: MigrationTarget): Promise<Record<string, string[]>> {
  const entries = owningServices.map(async (service) => {
    const user = roleOf(service, 'owner');
    return [service, await withClient(urlWith(target.url, { user, password: target.passwordOf(user) }), appliedMigrations)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function copyService(service: ServiceName, client: Client, out: Gzip): Promise<number> {
  const { rows: tables } = await client.query<{ table: string; columns: string[]; partitions: Record<string, string> | null }>(
    `SELECT c.relname AS table,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       (SELECT json_object_agg(p.relname, pg_get_expr(p.relpartbound, p.oid)) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
         WHERE i.inhparent = c.oid) AS partitions
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'schema_migration'
     ORDER BY c.relname`,
    [schemaOf(service)],
  );
  let count = 0;
  for (const { table, columns, partitions } of tables) {
    await writeLine(out, { service, table, columns, partitions: partitions ?? {} } satisfies TableLine);
    const names = columns.map((column) => escapeIdentifier(column)).join(', ');
    const source = `SELECT ${names} FROM ${escapeIdentifier(schemaOf(service))}.${escapeIdentifier(table)}`;
    const stream = client.query(copyTo(`COPY (${source}) TO STDOUT`));
    for await (const chunk of stream) if (!out.write(chunk)) await once(out, 'drain');
    count += stream.rowCount;
    await writeText(out, `${endOfRows}\n`);
  }
  return count;
}

/**
 * Puts a backup's rows into a migrated, empty installation. Refuses tables with rows and schemas at another version: nothing is mixed. All or
 * nothing, service by service.
 */
export async function readBackup(target: MigrationTarget, file: string): Promise<{ rows: number }> {
  const lines = linesOf(file);
  const head = JSON.parse((await next(lines)) ?? '{}') as Partial<Head>;
  if (head.signalboxBackup !== 1) throw new StackFault(`${file} is no backup of Signalbox.`, 'Give a file that `npm run db:backup` wrote.');
  await checkVersions(target, head.migrations ?? {});
  let rows = 0;
  const restore = new ServiceRestore(target);
  try {
    for (let line = await next(lines); line !== null; line = await next(lines)) {
      const table = JSON.parse(line) as TableLine;
      const client = await restore.clientOf(table.service);
      await makePartitions(target, table);
      rows += await restoreTable(client, table, lines);
    }
    await restore.commit();
    return { rows };
  } finally {
    await restore.end();
  }
}

/** One transaction for each service, as its system role. */
class ServiceRestore {
  private service: ServiceName | null = null;
  private client: Client | null = null;

  constructor(private readonly target: MigrationTarget) {}

  async clientOf(service: ServiceName): Promise<Client> {
    if (this.service === service && this.client) return this.client;
    await this.commit();
    await this.end();
    if (!owningServices.includes(service))
      throw new StackFault(`The backup names ${service}, which owns no data.`, 'The file was altered: use another one.');
    const user = roleOf(service, 'system');
    const client = new Client({
      connectionString: urlWith(this.target.url, { user, password: this.target.passwordOf(user) }),
      application_name: 'signalbox-restore',
    });
    client.on('error', () => undefined); // queries reject by themselves
    await client.connect();
    await client.query('BEGIN');
    this.service = service;
    this.client = client;
    return client;
  }

  async commit(): Promise<void> {
    await this.client?.query('COMMIT');
  }

  async end(): Promise<void> {
    await this.client?.end();
    this.client = null;
  }
}

const boundPattern = /^(?:DEFAULT|FOR VALUES (?:FROM \([^;]*\) TO \([^;]*\)|IN \([^;]*\)|WITH \(modulus \d+, remainder \d+\)))$/;

/** Partitions of days that are over are not there in a new installation. */
async function makePartitions(target: MigrationTarget, { service, table, partitions }: TableLine): Promise<void> {
  const user = roleOf(service, 'owner');
  const entries = Object.entries(partitions);
  if (entries.length === 0) return;
  await withClient(urlWith(target.url, { user, password: target.passwordOf(user) }), async (client) => {
    for (const [name, bound] of entries) {
      if (!boundPattern.test(bound))
        throw new StackFault(`The backup has a partition ${name} with a bound that cannot be.`, 'The file was altered: use another one.');
      const statement = `CREATE TABLE IF NOT EXISTS ${escapeIdentifier(name)} PARTITION OF ${escapeIdentifier(table)} ${bound}`;
      await client.query(statement);
    }
  });
}

async function checkVersions(target: MigrationTarget, wanted: Record<string, string[]>): Promise<void> {
  const actual = await migrationsOf(target);
  for (const service of serviceNames) {
    if (JSON.stringify(actual[service] ?? []) !== JSON.stringify(wanted[service] ?? [])) {
      throw new StackFault(
        `The backup was written with other migrations of ${service} than this Signalbox has.`,
        'Restore it with the Signalbox that wrote it, then update.',
      );
    }
  }
}

async function restoreTable(client: Client, { service, table, columns }: TableLine, lines: AsyncIterator<string>): Promise<number> {
  const name = `${escapeIdentifier(schemaOf(service))}.${escapeIdentifier(table)}`;
  const isFilled = `SELECT 1 FROM ${name} LIMIT 1`;
  if ((await client.query(isFilled)).rows.length > 0) {
    throw new StackFault(`The table ${service}.${table} has rows already.`, 'Restore into an installation that was just made (--fresh).');
  }
  const copy = client.query(copyFrom(`COPY ${name} (${columns.map((column) => escapeIdentifier(column)).join(', ')}) FROM STDIN`));
  let count = 0;
  await pipeline(
    Readable.from(rowsOf(lines)),
    new Transform({
      writableObjectMode: true,
      transform: (line: string, _, done) => {
        count++;
        done(null, `${line}\n`);
      },
    }),
    copy,
  );
  return count;
}

async function* rowsOf(lines: AsyncIterator<string>): AsyncGenerator<string> {
  for (let line = await next(lines); line !== endOfRows; line = await next(lines)) {
    if (line === null) throw new StackFault('The backup ends in the middle of a table.', 'The file is not whole: use another one.');
    yield line;
  }
}

/** Lines end at `\n` alone: rows may hold other characters that end lines for Unicode. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const unzipped = createGunzip();
  pipeline(createReadStream(file), unzipped).catch(() => undefined); // an error ends the reading below
  unzipped.setEncoding('utf8');
  let rest = '';
  try {
    for await (const piece of unzipped) {
      const lines = (rest + String(piece)).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (cause) {
    throw new StackFault(`The backup ${file} cannot be read: ${(cause as Error).message}.`, 'The file is not whole: use another one.', {
      cause,
    });
  }
  if (rest !== '') yield rest;
}

async function next(lines: AsyncIterator<string>): Promise<string | null> {
  const { done, value } = await lines.next();
  return done === true ? null : value;
}

function writeLine(out: Gzip, value: object): Promise<void> {
  return writeText(out, `${JSON.stringify(value)}\n`);
}

async function writeText(out: Gzip, text: string): Promise<void> {
  if (!out.write(text)) await once(out, 'drain');
}

function once(emitter: Gzip, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, resolve));
}
