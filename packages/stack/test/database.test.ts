import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { urlWith, withClient } from '../src/database/connect.ts';
import { migrate, planMigrations, rollBackNewest, type MigrationTarget } from '../src/database/service-migrations.ts';
import { databaseOf, setUpDatabase } from '../src/database/set-up.ts';
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

test('a schema of a newer version is worked with as it is, but refused where a migration of that says that it cannot be', async () => {
  const target = await setUp('newer');
  await migrate(target, await planMigrations(target));
  for (const [name, breaks] of [
    ['0002-extends', ''],
    ['0003-breaks', 'export const breaks = true;'],
  ] as const) {
    await writeMigration(name, `export const up = ['CREATE TABLE t${name.slice(0, 4)} ()'];\nexport const down = [];\n${breaks}`);
    await migrate(target, await planMigrations(target));
    await rm(join(work, 'root', 'apps', 'context', 'dist', 'migrations', `${name}.js`));
    if (breaks)
      await expect(planMigrations(target)).rejects.toMatchObject({ detail: expect.stringContaining('it has 0003-breaks, which') });
    else expect((await planMigrations(target)).find(({ service }) => service === 'context')?.pending).toEqual([]);
  }
});

test('a database that is away is named', async () => {
  await expect(withClient('postgres://a:b@127.0.0.1:1/x', () => Promise.resolve())).rejects.toMatchObject({
    detail: expect.stringContaining('PostgreSQL at 127.0.0.1:1 cannot be used'),
  });
});
