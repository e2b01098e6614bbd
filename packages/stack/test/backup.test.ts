import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Client } from 'pg';
import { checkBackup } from '../src/backup/format.ts';
import { masterKeyIds } from '../src/backup/master-key-id.ts';
import { checkMasterKey, restoreBackup } from '../src/backup/restore.ts';
import { writeBackup } from '../src/backup/write.ts';
import { urlWith, withClient } from '../src/database/connect.ts';
import { migrate, planMigrations, type MigrationTarget } from '../src/database/service-migrations.ts';
import { backupRole } from '../src/database/services.ts';
import { setUpDatabase } from '../src/database/set-up.ts';
import { PostgresCluster } from '../src/postgres/cluster.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

let work: string;
let cluster: PostgresCluster;
const passwordOf = (role: string): string => `of-${role}`;

const ours = '01900000-0000-7000-8000-000000000001';
const theirs = '01900000-0000-7000-8000-000000000002';

// A table that another one names by a foreign key comes after it in the alphabet, and a migration brings rows: as in the real services.
const first = `export const up = [
  "CREATE TABLE thread (workspace uuid NOT NULL, name text NOT NULL, body jsonb, PRIMARY KEY (workspace, name))",
  "ALTER TABLE thread ENABLE ROW LEVEL SECURITY",
  "ALTER TABLE thread FORCE ROW LEVEL SECURITY",
  "CREATE POLICY workspace ON thread USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)",
  "CREATE TABLE message (workspace uuid NOT NULL, thread text NOT NULL, FOREIGN KEY (workspace, thread) REFERENCES thread)",
  "CREATE TABLE journal (day date NOT NULL, line text NOT NULL) PARTITION BY RANGE (day)",
  "REVOKE UPDATE, DELETE ON journal FROM context, context_system",
  "CREATE TABLE journal_1 PARTITION OF journal FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')",
  "CREATE TABLE shard (shard int PRIMARY KEY, owner text)",
  "INSERT INTO shard SELECT generate_series(0, 3)",
];
export const down = ["DROP TABLE shard", "DROP TABLE journal", "DROP TABLE message", "DROP TABLE thread"];
`;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-backup-'));
  await chmod(work, 0o755);
  cluster = await PostgresCluster.start({
    folder: join(work, 'postgres'),
    binariesFolder: join(work, 'bin'),
    password: 'super',
    settings: { fsync: 'off' },
  });
  await mkdir(join(work, 'root', 'apps', 'context', 'dist', 'migrations'), { recursive: true });
  await writeFile(join(work, 'root', 'apps', 'context', 'dist', 'migrations', '0001-first.js'), first);
  await writeFile(join(work, 'root', 'package.json'), '{ "type": "module" }');
});

afterAll(async () => {
  await cluster.stop();
  await rm(work, { recursive: true, force: true });
});

/** A database of its own with roles and empty schemas. */
async function setUp(database: string): Promise<MigrationTarget> {
  const url = await setUpDatabase(cluster.url(database), passwordOf);
  return { root: join(work, 'root'), url, passwordOf };
}

async function migrated(database: string): Promise<MigrationTarget> {
  const target = await setUp(database);
  await migrate(target, await planMigrations(target));
  return target;
}

async function as<T>({ url }: MigrationTarget, user: string, run: (client: Client) => Promise<T>): Promise<T> {
  return withClient(urlWith(url, { user, password: passwordOf(user) }), run);
}

/** Tables in the schemas of services, and rows of what has any. */
async function contentOf(target: MigrationTarget): Promise<unknown> {
  return withClient(target.url, async (client) => {
    const tables = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'context'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_migration' ORDER BY 1`,
    );
    const names = tables.rows.map(({ name }) => name);
    if (names.length === 0) return { names };
    const rows = await client.query(
      `SELECT (SELECT json_agg(t ORDER BY name) FROM context.thread t) AS thread, (SELECT json_agg(m) FROM context.message m) AS message,
         (SELECT json_agg(s ORDER BY shard) FROM context.shard s) AS shard, (SELECT json_agg(md5(line) ORDER BY day, line) FROM context.journal) AS journal`,
    );
    return { names, rows: rows.rows };
  });
}

async function source(database: string): Promise<MigrationTarget> {
  const from = await migrated(database);
  await as(from, 'context_owner', (client) =>
    client.query(`CREATE TABLE journal_2 PARTITION OF journal FOR VALUES FROM ('2026-01-02') TO ('2026-01-03')`),
  );
  const hard = { text: 'a\\b\ttab\nline\r\\.\n\u2028 é', nested: [null, { '\\N': '\\.' }] };
  await as(from, 'context_system', async (client) => {
    await client.query('INSERT INTO thread VALUES ($1, $2, $3), ($4, $5, NULL)', [
      ours,
      '\\.',
      JSON.stringify(hard),
      theirs,
      'l\n\\.\nend\r\n',
    ]);
    await client.query(`INSERT INTO message VALUES ($1, '\\.')`, [ours]);
    await client.query(`INSERT INTO journal VALUES ('2026-01-01', 'one'), ('2026-01-02', '')`);
    await client.query(`INSERT INTO journal SELECT '2026-01-01', repeat('x', 1000) FROM generate_series(1, 500)`);
    await client.query(`UPDATE shard SET owner = 'somebody' WHERE shard = 2`);
  });
  return from;
}

test('the role of backups reads every row of every workspace, and writes nothing', async () => {
  const from = await source('rights');
  await as(from, backupRole, async (client) => {
    expect((await client.query('SELECT workspace FROM context.thread')).rows).toHaveLength(2);
    for (const statement of [
      'DELETE FROM context.thread',
      `INSERT INTO context.shard VALUES (9, 'me')`,
      'UPDATE context.shard SET owner = NULL',
      'TRUNCATE context.journal',
      'CREATE TABLE context.mine (n int)',
      'SET ROLE context_system',
    ])
      await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});

test('a backup brings every row back into a database that was never migrated, days that are over and rows of migrations too', async () => {
  const from = await source('source');
  const file = join(work, 'one.backup.gz');
  await expect(writeBackup(from, file, '0123456789abcdef')).resolves.toEqual({ rows: 509 });
  expect(await readdir(work)).not.toContain('one.backup.gz.unfinished');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await checkBackup(file)).toMatchObject({
    signalboxBackup: 2,
    signalbox: '0.1.0',
    masterKey: '0123456789abcdef',
    migrations: { context: ['0001-first'], execution: [] },
  });

  const to = await setUp('copy');
  await expect(restoreBackup(to, file)).resolves.toEqual({ rows: 509 });
  expect(await contentOf(to)).toEqual(await contentOf(from));
  expect((await planMigrations(to)).flatMap(({ pending }) => pending)).toEqual([]);
  await as(to, 'context', async (client) => {
    expect((await client.query('SELECT * FROM thread')).rows).toEqual([]); // row security came with the migrations
    await expect(client.query('SELECT * FROM journal_2')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('DELETE FROM journal')).rejects.toMatchObject({ code: '42501' });
  });
  await expect(restoreBackup(to, file)).rejects.toMatchObject({ detail: 'The table context.journal has rows already.' });
});

test('rows that come while a backup is written are not in it', async () => {
  const from = await source('moving');
  const file = join(work, 'moving.backup.gz');
  const insert = as(from, 'context_system', async (client) => {
    for (let n = 0; n < 200; n++) {
      await client.query('BEGIN');
      await client.query('INSERT INTO thread VALUES ($1, $2)', [ours, `moving-${n}`]);
      await client.query('INSERT INTO message VALUES ($1, $2)', [ours, `moving-${n}`]);
      await client.query('COMMIT');
    }
  });
  await writeBackup(from, file, null);
  await insert;
  const to = await setUp('moving_copy');
  await restoreBackup(to, file);
  const counts = await withClient(to.url, async (client) => {
    const { rows } = await client.query<{ threads: string; messages: string }>(
      `SELECT (SELECT count(*) FROM context.thread) - 2 AS threads, (SELECT count(*) FROM context.message) - 1 AS messages`,
    );
    return rows[0]!;
  });
  expect(counts.threads).toBe(counts.messages);
});

test('what is no whole backup is refused before anything is written', async () => {
  const from = await source('source2');
  const file = join(work, 'two.backup.gz');
  await writeBackup(from, file, null);
  const to = await setUp('copy2');
  const before = await contentOf(to);
  const bytes = await readFile(file);
  const text = gunzipSync(bytes).toString();
  const refused = async (content: Uint8Array | string, because: string): Promise<void> => {
    const path = join(work, 'changed.backup.gz');
    await writeFile(path, typeof content === 'string' ? gzipSync(content) : content);
    await expect(checkBackup(path)).rejects.toMatchObject({ detail: expect.stringContaining(because) });
    // Also one that is changed between the check and the restore.
    await expect(restoreBackup(to, path)).rejects.toMatchObject({ detail: expect.any(String) });
    expect(await contentOf(to)).toEqual(before);
  };
  await refused(bytes.subarray(0, 200), 'cannot be read');
  await refused(text.slice(0, text.lastIndexOf('{')), 'ends too early');
  await refused(text.slice(0, text.lastIndexOf('\\.')), 'ends too early');
  await refused(text.replace('somebody', 'everybody'), 'its digest differs');
  await refused(text.replace('"service":"context"', '"service":"api-gateway"'), 'its digest differs');
  await refused('{}\n', 'ends too early');
  await refused('', 'ends too early');
  await expect(checkBackup(join(work, 'missing'))).rejects.toMatchObject({ detail: expect.stringContaining('cannot be read') });
});

test('a backup of another format, or with migrations that are not known here, is refused', async () => {
  const from = await source('source3');
  const file = join(work, 'three.backup.gz');
  await writeBackup(from, file, null);
  const to = await setUp('copy3');
  await as(to, 'context_owner', (client) =>
    client.query('CREATE TABLE schema_migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())'),
  );
  await as(to, 'context_owner', (client) => client.query(`INSERT INTO schema_migration VALUES ('0001-other')`));
  await expect(restoreBackup(to, file)).rejects.toMatchObject({
    detail: 'The backup was written with other migrations of context than the database has.',
  });
  const other = { ...(await setUp('copy4')), root: join(work, 'nowhere') };
  await expect(restoreBackup(other, file)).rejects.toMatchObject({
    detail: 'The backup was written with other migrations of context than this Signalbox has.',
  });
});

test('the master key that a backup needs is named, and an older one beside the current one serves too', () => {
  const [now, before, another] = [randomBytes(32), randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
  const ids = masterKeyIds(`${now}\n${before}\n`);
  expect(ids).toHaveLength(2);
  expect(masterKeyIds(Buffer.alloc(32).toString('base64'))).toEqual(['084a0839ff754981']);
  const head = { signalboxBackup: 2, at: '', signalbox: '0.1.0', masterKey: masterKeyIds(before!)[0]!, migrations: {} };
  expect(() => checkMasterKey(head, ids, 'master.key')).not.toThrow();
  expect(() => checkMasterKey({ ...head, masterKey: null }, [], 'master.key')).not.toThrow();
  expect(() => checkMasterKey(head, masterKeyIds(another!), 'master.key')).toThrow(
    `The backup needs the master key ${head.masterKey}, and in master.key there is ${masterKeyIds(another!)[0]}.`,
  );
  expect(() => checkMasterKey(head, [], 'master.key')).toThrow('in master.key there is none');
  expect(() => masterKeyIds('c2hvcnQ=')).toThrow('a master key has 32 bytes, not 5');
});

test('a role that is no administrator cannot restore, and is told who can', async () => {
  const from = await source('source5');
  const file = join(work, 'five.backup.gz');
  await writeBackup(from, file, null);
  const to = await setUp('copy5');
  const url = urlWith(to.url, { user: backupRole, password: passwordOf(backupRole) });
  await expect(restoreBackup({ ...to, url }, file)).rejects.toMatchObject({ next: expect.stringContaining('a superuser') });
});

test('a backup that cannot be written leaves no file', async () => {
  const target = await setUp('failing');
  await expect(writeBackup({ ...target, passwordOf: () => 'wrong' }, join(work, 'no.backup.gz'), null)).rejects.toThrow(
    'password authentication failed',
  );
  await expect(writeBackup(target, join(work, 'missing', 'no.backup.gz'), null)).rejects.toThrow('ENOENT');
  expect((await readdir(work)).filter((name) => name.startsWith('no.backup'))).toEqual([]);
});
