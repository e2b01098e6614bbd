import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createGzip, type Gzip } from 'node:zlib';
import { escapeIdentifier, type Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { urlWith, withClient } from '../database/connect.ts';
import { backupRole, owningServices, schemaOf } from '../database/services.ts';
import { backupFormat, endOfRows, type Foot, type Head, type TableLine } from './format.ts';

export interface BackupSource {
  /** The database, by a URL whose user and password do not matter. */
  url: string;
  passwordOf: (role: string) => string;
}

/**
 * Writes one file, 0600, with all rows of all services as of one moment: a REPEATABLE READ transaction of the backup role. It may run beside
 * requests. Secrets stay sealed in it; the master key is not in it, only its id.
 */
export async function writeBackup({ url, passwordOf }: BackupSource, file: string, masterKey: string | null): Promise<{ rows: number }> {
  const unfinished = `${file}.unfinished`;
  const out = new BackupFile(unfinished);
  try {
    const rows = await withClient(urlWith(url, { user: backupRole, password: passwordOf(backupRole) }), async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await out.line({
        signalboxBackup: backupFormat,
        at: new Date().toISOString(),
        signalbox: await ownVersion(),
        masterKey,
        migrations: await migrationsOf(client),
      } satisfies Head);
      let count = 0;
      for (const service of owningServices) count += await copyService(service, client, out);
      await client.query('COMMIT');
      return count;
    });
    await out.end(rows);
    await rename(unfinished, file);
    return { rows };
  } catch (error) {
    await out.abandon();
    throw error;
  }
}

/** A gzip file that counts its digest as it is written. */
class BackupFile {
  private readonly digest = createHash('sha256');
  private readonly gzip: Gzip = createGzip({ level: 6 });
  private readonly written: Promise<void>;

  constructor(private readonly path: string) {
    this.written = pipeline(this.gzip, createWriteStream(path, { mode: 0o600 }));
    this.written.catch(() => undefined); // awaited at the end; until then it is not unhandled
  }

  async write(piece: string | Uint8Array): Promise<void> {
    this.digest.update(piece);
    if (!this.gzip.write(piece)) await Promise.race([once(this.gzip, 'drain'), this.written]);
  }

  line(value: object): Promise<void> {
    return this.write(`${JSON.stringify(value)}\n`);
  }

  async end(rows: number): Promise<void> {
    this.gzip.end(`${JSON.stringify({ rows, sha256: this.digest.digest('hex') } satisfies Foot)}\n`);
    await this.written;
  }

  async abandon(): Promise<void> {
    this.gzip.destroy();
    await this.written.catch(() => undefined); // the error that made us stop is the one to tell
    await rm(this.path, { force: true });
  }
}

async function ownVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}

async function migrationsOf(client: Client): Promise<Head['migrations']> {
  const applied: Head['migrations'] = {};
  for (const service of owningServices) {
    const table = `${escapeIdentifier(schemaOf(service))}.schema_migration`;
    const { rows: found } = await client.query<{ found: string | null }>('SELECT to_regclass($1) AS found', [table]);
    const select = `SELECT name FROM ${table} ORDER BY name`;
    applied[service] = found[0]?.found ? (await client.query<{ name: string }>(select)).rows.map(({ name }) => name) : [];
  }
  return applied;
}

async function copyService(service: ServiceName, client: Client, out: BackupFile): Promise<number> {
  let count = 0;
  for (const line of await tablesOf(service, client)) {
    await out.line(line);
    const names = line.columns.map((column) => escapeIdentifier(column)).join(', ');
    const source = `SELECT ${names} FROM ${escapeIdentifier(schemaOf(service))}.${escapeIdentifier(line.table)}`;
    const stream = client.query(copyTo(`COPY (${source}) TO STDOUT`));
    for await (const chunk of stream) await out.write(chunk as Uint8Array);
    count += stream.rowCount;
    await out.write(`${endOfRows}\n`);
  }
  return count;
}

/** The tables of a schema, each after those that its foreign keys name. */
async function tablesOf(service: ServiceName, client: Client): Promise<TableLine[]> {
  const { rows } = await client.query<Omit<TableLine, 'partitions'> & { partitions: TableLine['partitions'] | null; needs: string[] }>(
    `SELECT $2 AS service, c.relname AS table,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       (SELECT json_object_agg(p.relname, pg_get_expr(p.relpartbound, p.oid)) FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
         WHERE i.inhparent = c.oid) AS partitions,
       ARRAY(SELECT f.relname::text FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
         WHERE k.contype = 'f' AND k.conrelid = c.oid AND k.confrelid <> c.oid) AS needs
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'schema_migration'
     ORDER BY c.relname`,
    [schemaOf(service), service],
  );
  const ordered: TableLine[] = [];
  const isDone = new Set<string>();
  for (let waiting = rows; waiting.length > 0; waiting = waiting.filter(({ table }) => !isDone.has(table))) {
    const ready = waiting.filter(({ needs }) => needs.every((name) => isDone.has(name)));
    if (ready.length === 0) throw new Error(`the tables of ${service} name each other: ${waiting.map(({ table }) => table).join(', ')}`);
    for (const { table, columns, partitions } of ready) {
      ordered.push({ service, table, columns, partitions: partitions ?? {} });
      isDone.add(table);
    }
  }
  return ordered;
}
