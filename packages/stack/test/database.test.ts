import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Client } from 'pg';
import { readBackup, writeBackup } from '../src/database/backup.ts';
import { urlWith, withClient } from '../src/database/connect.ts';
import { migrate, planMigrations, rollBackNewest, type MigrationTarget } from '../src/database/service-migrations.ts';
import { databaseOf, setUpDatabase } from '../src/launch/prepare-database.ts';
import { PostgresCluster } from '../src/postgres/cluster.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

let work: string;
let cluster: PostgresCluster;
const passwordOf = (role: string): string => `of-${role}`;

const first = `export const up = [
  "CREATE TABLE thread (workspace uuid NOT NULL, name text NOT NULL, body jsonb, PRIMARY KEY (workspace, name))",
  "ALTER TABLE thread ENABLE ROW LEVEL SECURITY",
  "ALTER TABLE thread FORCE ROW LEVEL SECURITY",
  "CREATE POLICY workspace ON thread USING (workspace = nullif(current_setting('sb.workspace', true), '')::uuid)",
  "CREATE TABLE journal (day date NOT NULL, line text NOT NULL) PARTITION BY RANGE (day)",
  "REVOKE UPDATE, DELETE ON journal FROM context, context_system",
  "CREATE TABLE journal_1 PARTITION OF journal FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')",
];
export const down = ["DROP TABLE journal", "DROP TABLE thread"];
`;
const second = `export const up = ["ALTER TABLE thread ADD COLUMN title text"];
export const down = ["ALTER TABLE thread DROP COLUMN title"];
`;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-database-'));
  await chmod(work, 0o755);
  cluster = await PostgresCluster.start({
    folder: join(work, 'postgres'),
    binariesFolder: join(work, 'bin'),
    password: 'super',
    settings: { fsync: 'off' },
  });
  await mkdir(join(work, 'root', 'apps', 'context', 'dist', 'migrations'), { recursive: true });
  await writeMigration('0001-first', first);
  await writeFile(join(work, 'root', 'package.json'), '{ "type": "module" }');
});

afterAll(async () => {
  await cluster.stop();
  await rm(work, { recursive: true, force: true });
});

async function writeMigration(name: string, text: string): Promise<void> {
  await writeFile(join(work, 'root', 'apps', 'context', 'dist', 'migrations', `${name}.js`), text);
}

/** A database of its own with roles and schemas. */
async function setUp(database: string): Promise<MigrationTarget> {
  const url = await setUpDatabase(cluster.url(database), passwordOf);
  return { root: join(work, 'root'), url, passwordOf };
}

async function as<T>({ url }: MigrationTarget, user: string, work: (client: Client) => Promise<T>): Promise<T> {
  return withClient(urlWith(url, { user, password: passwordOf(user) }), work);
}

const ours = '01900000-0000-7000-8000-000000000001';
const theirs = '01900000-0000-7000-8000-000000000002';

test('the maintenance database stands for ours', () => {
  expect(databaseOf('postgres://a:b@host/postgres')).toBe('signalbox');
  expect(databaseOf('postgres://a:b@host')).toBe('signalbox');
  expect(databaseOf('postgres://a:b@host/mine?sslmode=require')).toBe('mine');
});

test('a role sees its own schema alone, and rows of the workspace that its transaction names', async () => {
  const target = await setUp('rights');
  await setUp('rights'); // once more changes nothing
  expect(await migrate(target, await planMigrations(target))).toBe(1);

  await as(target, 'context', async (client) => {
    await client.query('BEGIN');
    await client.query(`SET LOCAL sb.workspace = '${ours}'`);
    await client.query(`INSERT INTO thread VALUES ($1, 'a')`, [ours]);
    await expect(client.query(`INSERT INTO thread VALUES ($1, 'a')`, [theirs])).rejects.toMatchObject({ code: '42501' });
    await client.query('ROLLBACK');
    await client.query('BEGIN');
    await client.query(`SET LOCAL sb.workspace = '${ours}'`);
    await client.query(`INSERT INTO thread VALUES ($1, 'a')`, [ours]);
    await client.query('COMMIT');
    // Without a workspace, or after another one's transaction: nothing.
    expect((await client.query('SELECT * FROM thread')).rows).toEqual([]);
    await expect(client.query('UPDATE journal SET line = line')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('CREATE TABLE mine (n int)')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('SELECT * FROM schema_migration')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('CREATE TABLE public.mine (n int)')).rejects.toMatchObject({ code: '42501' });
  });
  await as(target, 'context_system', async (client) =>
    expect((await client.query('SELECT name FROM thread')).rows).toEqual([{ name: 'a' }]),
  );
  for (const role of ['registry', 'registry_system', 'registry_owner']) {
    await as(target, role, (client) => expect(client.query('SELECT * FROM context.thread')).rejects.toMatchObject({ code: '42501' }));
  }
});

test('an existing server is set up by a role that may make roles and no more', async () => {
  await withClient(cluster.url(), (client) => client.query(`CREATE ROLE installer LOGIN CREATEROLE CREATEDB BYPASSRLS PASSWORD 'x'`));
  await setUp('existing');
  const own = (role: string): string => `installers-${role}`;
  const all = await withClient(
    cluster.url(),
    async (client) => (await client.query<{ name: string }>(`SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'context%'`)).rows,
  );
  expect(all).toHaveLength(3); // they exist, made by the superuser: the installer may not take them over
  await expect(setUpDatabase(urlWith(cluster.url('taken'), { user: 'installer', password: 'x' }), own)).rejects.toMatchObject({
    code: '42501',
  });

  const other = await PostgresCluster.start({
    folder: join(work, 'other'),
    binariesFolder: join(work, 'bin'),
    password: 'super',
    settings: { fsync: 'off' },
  });
  try {
    await withClient(other.url(), (client) => client.query(`CREATE ROLE installer LOGIN CREATEROLE CREATEDB BYPASSRLS PASSWORD 'x'`));
    const adminUrl = urlWith(other.url(), { user: 'installer', password: 'x' });
    const url = await setUpDatabase(adminUrl, passwordOf);
    await setUpDatabase(adminUrl, passwordOf);
    const target = { root: join(work, 'root'), url, passwordOf };
    expect(await migrate(target, await planMigrations(target))).toBe(1);
    await as(target, 'context', async (client) => expect((await client.query('SELECT * FROM thread')).rows).toEqual([]));
  } finally {
    await other.stop();
  }
});

test('a migration is applied whole or not at all, planned before and undone after', async () => {
  const target = await setUp('migrations');
  await migrate(target, await planMigrations(target));
  await writeMigration('0002-second', second.replace('title text', 'title nonsense'));
  try {
    const plans = await planMigrations(target);
    const context = plans.find(({ service }) => service === 'context')!;
    expect(context.applied).toEqual(['0001-first']);
    expect(context.pending.map(({ name }) => name)).toEqual(['0002-second']);
    await expect(migrate(target, plans)).rejects.toMatchObject({
      detail: expect.stringContaining('0002-second (up) failed: type "nonsense" does not exist'),
    });
  } finally {
    await rm(join(work, 'root', 'apps', 'context', 'dist', 'migrations', '0002-second.js'));
  }
  expect(await rollBackNewest(target, 'context')).toBe('0001-first');
  expect(await rollBackNewest(target, 'context')).toBeNull();
  const said: string[] = [];
  expect(await migrate(target, await planMigrations(target), (sentence) => said.push(sentence))).toBe(1);
  expect(said).toEqual(['context: 0001-first']);
});

test('a schema of a newer version is refused', async () => {
  const target = await setUp('newer');
  await migrate(target, await planMigrations(target));
  await as(target, 'context_owner', (client) => client.query(`INSERT INTO schema_migration (name) VALUES ('0009-later')`));
  await expect(planMigrations(target)).rejects.toMatchObject({ detail: expect.stringContaining('it has 0009-later') });
});

test('a backup brings every row back into a new installation, days that are over too', async () => {
  const from = await setUp('source');
  await migrate(from, await planMigrations(from));
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
      'line\n\\.\nend\r\n',
    ]);
    await client.query(`INSERT INTO journal VALUES ('2026-01-01', 'one'), ('2026-01-02', '')`);
    await client.query(`INSERT INTO journal SELECT '2026-01-01', repeat('x', 1000) FROM generate_series(1, 500)`);
  });
  const file = join(work, 'one.backup.gz');
  await expect(writeBackup(from, file)).resolves.toEqual({ rows: 504 });
  expect(await readdir(work)).not.toContain('one.backup.gz.unfinished');

  const to = await setUp('copy');
  await migrate(to, await planMigrations(to));
  await expect(readBackup(to, file)).resolves.toEqual({ rows: 504 });
  const rowsOf = (target: MigrationTarget): Promise<unknown> =>
    as(target, 'context_system', async (client) => [
      (await client.query('SELECT * FROM thread ORDER BY name')).rows,
      (await client.query('SELECT day::text, md5(line) FROM journal ORDER BY 1, 2')).rows,
    ]);
  expect(await rowsOf(to)).toEqual(await rowsOf(from));

  await expect(readBackup(to, file)).rejects.toMatchObject({ detail: 'The table context.journal has rows already.' });
});

test('what is no whole backup of this version is refused and leaves nothing behind', async () => {
  const from = await setUp('source2');
  await migrate(from, await planMigrations(from));
  await as(from, 'context_system', (client) => client.query('INSERT INTO thread VALUES ($1, $2)', [ours, 'a']));
  const file = join(work, 'two.backup.gz');
  await writeBackup(from, file);
  const to = await setUp('copy2');
  await expect(readBackup(to, file)).rejects.toMatchObject({ detail: expect.stringContaining('other migrations of context') });
  await migrate(to, await planMigrations(to));

  const text = gunzipSync(await readFile(file)).toString();
  const refused = async (changed: string): Promise<unknown> => {
    const path = join(work, 'changed.backup.gz');
    await writeFile(path, gzipSync(changed));
    return readBackup(to, path);
  };
  const broken = join(work, 'broken.backup.gz');
  await writeFile(broken, (await readFile(file)).subarray(0, 200));
  await expect(readBackup(to, broken)).rejects.toMatchObject({ detail: expect.stringContaining('cannot be read') });
  await expect(readBackup(to, join(work, 'missing'))).rejects.toMatchObject({ detail: expect.stringContaining('cannot be read') });
  await expect(refused('{}\n')).rejects.toMatchObject({ detail: expect.stringContaining('is no backup') });
  await expect(refused(text.slice(0, text.lastIndexOf('\\.')))).rejects.toMatchObject({
    detail: 'The backup ends in the middle of a table.',
  });
  await expect(refused(text.replaceAll('"service":"context"', '"service":"api-gateway"'))).rejects.toMatchObject({
    detail: expect.stringContaining('owns no data'),
  });
  await expect(refused(text.replace('FOR VALUES FROM', 'FOR VALUES; FROM'))).rejects.toMatchObject({
    detail: expect.stringContaining('bound that cannot be'),
  });
  await as(to, 'context_system', async (client) => expect((await client.query('SELECT * FROM thread')).rows).toEqual([]));
});

test('a backup that cannot be written leaves no file, and a database that is away is named', async () => {
  const target = await setUp('failing');
  await expect(writeBackup({ ...target, passwordOf: () => 'wrong' }, join(work, 'no.backup.gz'))).rejects.toThrow(
    'password authentication failed',
  );
  expect((await readdir(work)).filter((name) => name.startsWith('no.backup'))).toEqual([]);
  await expect(withClient('postgres://a:b@127.0.0.1:1/x', () => Promise.resolve())).rejects.toMatchObject({
    detail: expect.stringContaining('PostgreSQL at 127.0.0.1:1 cannot be used'),
  });
});
