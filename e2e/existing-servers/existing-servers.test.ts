import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { urlWith, withClient } from '@signalbox/stack/database/connect.js';
import { freePort } from '@signalbox/stack/free-port.js';
import { natsBinary } from '@signalbox/stack/nats/binary.js';
import { PostgresCluster } from '@signalbox/stack/postgres/cluster.js';
import { filesOf, natsConfigurationFile, openKeys } from '@signalbox/stack/setup/prepare.js';
import { StackUnderTest, until } from '../stack-under-test.ts';

let folder: string;
let cluster: PostgresCluster;
let nats: ChildProcess;
let natsPort: number;
let stack: StackUnderTest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-existing-'));
  await chmod(folder, 0o755);
  cluster = await PostgresCluster.start({
    folder: join(folder, 'postgres'),
    binariesFolder: join(folder, 'bin'),
    password: 'only-for-this-test',
  });
  // No superuser: what an administrator would rather give.
  await withClient(cluster.url('postgres'), (client) =>
    client.query(`CREATE ROLE installer LOGIN CREATEROLE CREATEDB BYPASSRLS PASSWORD 'installer'`),
  );
  natsPort = await freePort();
  const creds = await startNats();
  stack = await StackUnderTest.create({
    DATABASE_URL: urlWith(cluster.url('postgres'), { user: 'installer', password: 'installer', database: 'agents' }),
    NATS_URL: `nats://127.0.0.1:${natsPort}`,
    NATS_CREDS_DIR: creds,
  });
}, 120_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  nats?.kill();
  await cluster?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
}, 60_000);

/** A nats-server with the operator and users of the set-up; resolves with the folder of their credentials. */
async function startNats(): Promise<string> {
  const keys = await openKeys(join(folder, 'setup'));
  const creds = join(folder, 'creds');
  await mkdir(creds);
  for (const service of serviceNames) {
    await writeFile(join(creds, `${service}.creds`), (await filesOf(service, keys, ''))['nats.creds']!, { mode: 0o600 });
  }
  const configuration = join(folder, 'nats-server.conf');
  const text = await natsConfigurationFile(keys);
  await writeFile(configuration, text.replace(/store_dir: \S+/, `store_dir: "${join(folder, 'jetstream')}"`));
  const { path } = await natsBinary(join(folder, 'bin'));
  nats = spawn(path, ['-c', configuration, '-a', '127.0.0.1', '-p', String(natsPort), '-m', String(await freePort())], { stdio: 'ignore' });
  await until('NATS listens', () => listens(natsPort));
  return creds;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.unref();
    setTimeout(() => socket.destroy(), 200).unref();
  });
}

test('servers that are there already are used, the main job is done on them, and they stay when Signalbox stops', async () => {
  await stack.start('--no-example');
  expect(stack.output).not.toMatch(/PostgreSQL runs|NATS \S+ runs/);
  expect([...(await stack.processes()).keys()].sort()).toEqual([...serviceNames].sort());
  await stack.allUp();
  await stack.loadExample();
  const run = await stack.cli('run', 'repository-report', '--follow');
  expect([run.code, run.err]).toEqual([0, '']);
  expect(await stack.stop()).toBe(0);
  expect(await listens(natsPort)).toBe(true);
  const schemas = await withClient(cluster.url('agents'), async (client) => {
    const { rows } = await client.query<{ name: string }>(`SELECT nspname AS name FROM pg_namespace WHERE nspname = 'execution'`);
    return rows;
  });
  expect(schemas).toEqual([{ name: 'execution' }]);
});

test('a second start on them needs no set-up', async () => {
  await stack.start('--no-example');
  expect(stack.output).not.toContain('Migrations applied');
  await stack.allUp();
  expect(await stack.stop()).toBe(0);
});

test('a folder without the credentials of every service is named', async () => {
  await using without = await StackUnderTest.create({ NATS_URL: `nats://127.0.0.1:${natsPort}`, NATS_CREDS_DIR: tmpdir() });
  await expect(without.start('--no-example')).rejects.toThrow(/NATS_CREDS_DIR .* has no .*registry\.creds/);
});
