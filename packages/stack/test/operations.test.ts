import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue } from '@signalbox/shared/bus/catalogue.js';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { checkBackup } from '../src/backup/format.ts';
import { masterKeyIds } from '../src/backup/master-key-id.ts';
import { urlWith, withClient } from '../src/database/connect.ts';
import { migrate, planMigrations } from '../src/database/service-migrations.ts';
import { allRoles, owningServices } from '../src/database/services.ts';
import { setUpDatabase } from '../src/database/set-up.ts';
import { layoutOf } from '../src/data-folder/layout.ts';
import { natsTrust, type NatsKeys } from '../src/nats/keys.ts';
import { permissionsOf } from '../src/nats/permissions.ts';
import { backup, initDatabase, initNats, restore, type Place } from '../src/operate/operations.ts';
import { PostgresCluster } from '../src/postgres/cluster.ts';
import { runPsqlScript } from './psql-script.ts';
import { makeRoot } from './small-services.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

let work: string;
let root: string;
let cluster: PostgresCluster;
let said: string[];

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-operations-'));
  await chmod(work, 0o755);
  root = join(work, 'root');
  await makeRoot(root);
  cluster = await PostgresCluster.start({
    folder: join(work, 'postgres'),
    binariesFolder: join(work, 'bin'),
    password: 'super',
    settings: { fsync: 'off' },
  });
  await withClient(cluster.url(), async (client) => {
    await client.query(`CREATE ROLE installer LOGIN CREATEROLE CREATEDB BYPASSRLS PASSWORD 'x'`);
    await client.query(`CREATE ROLE plain LOGIN PASSWORD 'x'`);
  });
});

afterAll(async () => {
  await cluster.stop();
  await rm(work, { recursive: true, force: true });
});

function place(name: string, environment: Place['environment'] = {}): Place {
  said = [];
  return { root, data: join(work, name), environment, say: (sentence) => said.push(sentence) };
}

async function passwordsOf({ data }: Place): Promise<Record<string, string>> {
  const { roles } = JSON.parse(await readFile(layoutOf(data).passwordsFile, 'utf8')) as { roles: Record<string, string> };
  return roles;
}

async function modesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true });
  return Object.fromEntries(
    await Promise.all(entries.map(async (name) => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)])),
  );
}

test('the SQL that db init prints makes all that is needed, has no password in it, and may be run again', async () => {
  const there = place('printed');
  let sql = '';
  await initDatabase(there, (text) => (sql += text));
  const passwords = await passwordsOf(there);
  expect(Object.keys(passwords).sort()).toEqual([...allRoles].sort());
  for (const password of Object.values(passwords)) expect(sql).not.toContain(password);
  expect(said.join('\n')).toBe('');

  const url = urlWith(cluster.url('signalbox'), { user: 'plain', password: 'x' });
  const passwordOf = (role: string): string => passwords[role]!;
  await expect(setUpDatabase(url, passwordOf)).rejects.toMatchObject({
    detail: expect.stringContaining('may not create roles, and they are not set up for this data folder'),
    next: expect.stringContaining('signalbox db init --print'),
  });
  await runPsqlScript(sql, urlWith(cluster.url(), { user: 'installer', password: 'x' }));
  await runPsqlScript(sql, urlWith(cluster.url(), { user: 'installer', password: 'x' }));
  // A user that may nothing, or none at all, is enough for all that follows.
  for (const given of [url, urlWith(cluster.url('signalbox'), { user: '', password: '' })]) {
    const target = { root, url: await setUpDatabase(given, passwordOf), passwordOf };
    await migrate(target, await planMigrations(target));
  }
  // Of another data folder, the passwords are others.
  await expect(setUpDatabase(url, () => 'another')).rejects.toMatchObject({
    detail: expect.stringContaining('password authentication failed'),
  });
});

test('db init makes roles and schemas itself and writes the URLs of each service, for their owner alone', async () => {
  const there = place('made', { DATABASE_URL: urlWith(cluster.url('agents'), { user: 'installer', password: 'x' }) });
  await initDatabase(there);
  await initDatabase(there);
  const folder = join(there.data, 'database');
  expect(await modesIn(folder)).toEqual(
    Object.fromEntries(
      owningServices.flatMap((service) => [
        [service, '700'],
        [`${service}/database-url`, '600'],
        [`${service}/system-database-url`, '600'],
      ]),
    ),
  );
  const passwords = await passwordsOf(there);
  for (const password of Object.values(passwords)) expect(said.join('\n')).not.toContain(password);
  const url = await readFile(join(folder, 'context', 'system-database-url'), 'utf8');
  const who = await withClient(
    url,
    async (client) => (await client.query<{ who: string }>('SELECT current_user AS who, current_schema() AS schema')).rows,
  );
  expect(who).toEqual([{ who: 'context_system', schema: 'context' }]);
  await expect(initDatabase(place('none'))).rejects.toMatchObject({ next: expect.stringContaining('--print') });
});

test('nats init makes keys and credentials once, and brings rights up to date', async () => {
  const folder = join(work, 'nats');
  await initNats(place('any'), folder);
  const files = [
    'account.jwt',
    'nats-keys.json',
    'operator.jwt',
    'resolver.conf',
    ...serviceNames.map((service) => `${service}.creds`),
  ].sort();
  expect(await modesIn(folder)).toEqual(Object.fromEntries(files.map((name) => [name, '600'])));
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const { operator } = JSON.parse(await readFile(join(folder, 'nats-keys.json'), 'utf8')) as { operator: string };
  expect(said.join('\n')).not.toContain(operator);
  const read = async (): Promise<string[]> => Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const before = await read();

  await initNats(place('any'), folder);
  expect(said).toEqual([expect.stringMatching(/^Nothing has changed/)]);
  expect(await read()).toEqual(before);

  // As an older Signalbox left it: other rights, and a service fewer.
  const keys = JSON.parse(await readFile(join(folder, 'nats-keys.json'), 'utf8')) as NatsKeys;
  const catalogue = await loadCatalogue();
  const older = await natsTrust(keys, (service) => {
    const now = permissionsOf(service, catalogue);
    if (service !== 'context') return now;
    return {
      ...now,
      publish: [...now.publish, 'sb.registry.gone.do'],
      subscribe: now.subscribe.filter((subject) => subject !== 'sb.context.state.put'),
    };
  });
  await writeFile(join(folder, 'account.jwt'), older.account.jwt);
  await rm(join(folder, 'execution.creds'));
  const { mtimeMs } = await stat(join(folder, 'context.creds'));
  await initNats(place('any'), folder);
  expect(said).toEqual([
    'execution.creds is new.',
    'context may now hear sb.context.state.put',
    'context may no longer publish sb.registry.gone.do',
    expect.stringContaining('reload'),
  ]);
  expect((await stat(join(folder, 'context.creds'))).mtimeMs).toBe(mtimeMs);
  await writeFile(join(folder, 'account.jwt'), older.account.jwt.slice(0, -4));
  await expect(initNats(place('any'), folder)).rejects.toMatchObject({ next: expect.stringContaining('Remove it') });
});

/** A data folder with data and a master key. */
async function installation(name: string): Promise<{ there: Place; id: string }> {
  const there = place(name, { DATABASE_URL: cluster.url(name) });
  await initDatabase(there);
  const passwords = await passwordsOf(there);
  const target = { root, url: cluster.url(name), passwordOf: (role: string) => passwords[role]! };
  await migrate(target, await planMigrations(target));
  const key = `${randomBytes(32).toString('base64')}\n`;
  await writeFile(layoutOf(there.data).masterKeyFile, key, { mode: 0o600 });
  said = [];
  return { there, id: masterKeyIds(key)[0]! };
}

test('a backup says which master key it needs, and restores only beside that one', async () => {
  const { there, id } = await installation('source');
  const file = join(work, 'all.backup.gz');
  await backup(there, file);
  expect(said).toEqual([`6 rows are in ${file}.`, expect.stringContaining(`The master key ${id}`)]);
  expect(await checkBackup(file)).toMatchObject({ masterKey: id });

  // Own PostgreSQL, which the restore starts and ends.
  const other = place('other');
  await expect(restore(other, file)).rejects.toMatchObject({
    detail: expect.stringMatching(`needs the master key ${id}, and in .* there is none`),
  });
  const wrong = join(work, 'wrong.key');
  await writeFile(wrong, randomBytes(32).toString('base64'));
  await expect(restore(other, file, wrong)).rejects.toMatchObject({
    detail: expect.stringMatching(`needs the master key ${id}, and in .* there is [0-9a-f]{16}`),
  });
  expect(await readdir(work)).not.toContain('other');

  const right = layoutOf(there.data).masterKeyFile;
  await restore(other, file, right);
  expect(said).toEqual([expect.stringMatching(/^6 rows of .* were restored\.$/)]);
  expect(await readFile(layoutOf(other.data).masterKeyFile, 'utf8')).toBe(await readFile(right, 'utf8'));
  expect((await stat(layoutOf(other.data).masterKeyFile)).mode & 0o777).toBe(0o600);

  // Its backup, while its PostgreSQL rests, has the same rows.
  await backup(other);
  const [made] = await readdir(layoutOf(other.data).backups);
  expect(await checkBackup(join(layoutOf(other.data).backups, made!))).toMatchObject({ masterKey: id });
  await expect(restore(other, file, right)).rejects.toMatchObject({ detail: expect.stringContaining('There is a master key') });
  await expect(restore(other, file)).rejects.toMatchObject({ detail: expect.stringContaining('has rows already') });
});

test('a master key that was put into a new data folder serves a restore there', async () => {
  const { there } = await installation('source2');
  const file = join(work, 'two.backup.gz');
  await backup(there, file);
  const other = place('copied');
  await mkdir(layoutOf(other.data).security, { recursive: true });
  await writeFile(layoutOf(other.data).masterKeyFile, await readFile(layoutOf(there.data).masterKeyFile), { mode: 0o600 });
  await restore(other, file);
  expect(said[0]).toContain('6 rows');
});

test('what is no data folder cannot be backed up, and without a master key the backup says so', async () => {
  await expect(backup(place('nowhere'))).rejects.toMatchObject({ detail: expect.stringContaining('is no data folder') });
  const { there } = await installation('keyless');
  await rm(layoutOf(there.data).masterKeyFile);
  await backup(there, join(work, 'keyless.backup.gz'));
  expect(said[1]).toContain('There is no master key');
  await writeFile(layoutOf(there.data).masterKeyFile, 'nonsense');
  await expect(backup(there)).rejects.toMatchObject({ detail: expect.stringContaining('cannot be used: a master key has 32 bytes') });
});
