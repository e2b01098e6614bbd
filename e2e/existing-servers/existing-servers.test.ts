import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { urlWith, withClient } from '@signalbox/stack/database/connect.js';
import { freePort } from '@signalbox/stack/free-port.js';
import { natsBinary } from '@signalbox/stack/nats/binary.js';
import { postgresAccount } from '@signalbox/stack/postgres/account.js';
import { PostgresCluster } from '@signalbox/stack/postgres/cluster.js';
import { makeCertificates, type Certificates } from '../../packages/shared/test/certificates.ts';
import { runPsqlScript } from '../../packages/stack/test/psql-script.ts';
import { StackUnderTest, until } from '../stack-under-test.ts';

let folder: string;
let cluster: PostgresCluster;
let nats: ChildProcess;
let natsPort: number;
let certificates: Certificates;
/** An administrator's, who may create roles, and is no superuser. */
let administrator: string;
let environment: Record<string, string>;
let stack: StackUnderTest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-existing-'));
  await chmod(folder, 0o755);
  certificates = makeCertificates(folder, 'servers');
  const account = await postgresAccount();
  if (account) await chown(certificates.keyFile, account.uid, account.gid);
  cluster = await PostgresCluster.start({
    folder: join(folder, 'postgres'),
    binariesFolder: join(folder, 'bin'),
    password: 'only-for-this-test',
    settings: { ssl: 'on', ssl_cert_file: certificates.certFile, ssl_key_file: certificates.keyFile },
  });
  await withClient(cluster.url('postgres'), async (client) => {
    await client.query(`CREATE ROLE administrator LOGIN CREATEROLE CREATEDB BYPASSRLS PASSWORD 'administrator'`);
    await client.query(`CREATE ROLE plain LOGIN PASSWORD 'plain'`);
  });
  administrator = urlWith(cluster.url('postgres'), { user: 'administrator', password: 'administrator' });
  natsPort = await freePort();
  environment = {
    // By its name, which the certificate has, and by a role that may create nothing.
    DATABASE_URL: urlWith(cluster.url('agents'), { user: 'plain', password: 'plain' }).replace('127.0.0.1', 'localhost'),
    DATABASE_CA_FILE: certificates.caFile,
    NATS_URL: `tls://localhost:${natsPort}`,
    NATS_CA_FILE: certificates.caFile,
    NATS_CREDS_DIR: join(folder, 'nats'),
  };
  stack = await StackUnderTest.create(environment);
}, 120_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  nats?.kill();
  await cluster?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
}, 60_000);

async function startNats(): Promise<void> {
  const configuration = join(folder, 'nats-server.conf');
  await writeFile(
    configuration,
    `listen: "127.0.0.1:${natsPort}"
jetstream { store_dir: "${join(folder, 'jetstream')}" }
tls { cert_file: "${certificates.certFile}", key_file: "${certificates.keyFile}" }
include "nats/resolver.conf"
`,
  );
  const { path } = await natsBinary(join(folder, 'bin'));
  nats = spawn(path, ['-c', configuration], { stdio: 'ignore' });
  await until('NATS listens', () => listens(natsPort));
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.unref();
    setTimeout(() => socket.destroy(), 200).unref();
  });
}

test('an administrator sets both servers up by what the command line prints and writes', async () => {
  const printed = await stack.operate('db', 'init', '--print');
  expect(printed.code).toBe(0);
  await runPsqlScript(printed.out, administrator);
  const made = await stack.operate('nats', 'init', environment['NATS_CREDS_DIR']!);
  expect([made.code, made.out]).toEqual([0, '']);
  await startNats();
});

test('servers that are there already are used by TLS, the main job is done on them, and they stay when Signalbox stops', async () => {
  await stack.start('--no-example');
  expect(stack.output).not.toMatch(/PostgreSQL runs|NATS \S+ runs/);
  expect([...(await stack.processes()).keys()].sort()).toEqual([...serviceNames].sort());
  await stack.allUp();
  await stack.loadExample();
  const run = await stack.cli('run', 'repository-report', '--follow');
  expect([run.code, run.err]).toEqual([0, '']);
  const { rows } = await withClient(cluster.url('agents'), (client) =>
    client.query<{ who: string; ssl: boolean }>(
      `SELECT DISTINCT usename AS who, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE datname = 'agents' AND usename <> current_user`,
    ),
  );
  expect(rows.map(({ who }) => who)).toEqual(expect.arrayContaining(['context', 'execution_system', 'security']));
  expect(rows.filter(({ ssl }) => !ssl)).toEqual([]);
  expect(await stack.stop()).toBe(0);
  expect(await listens(natsPort)).toBe(true);
}, 240_000);

test('a backup of them is restored into an installation with servers of its own, where what it ran is found again', async () => {
  await stack.start('--no-example');
  expect(stack.output).not.toContain('Migrations applied');
  await stack.allUp();
  const file = join(folder, 'all.backup.gz');
  const made = await stack.operate('backup', file); // while it runs
  expect(made).toMatchObject({ code: 0, err: expect.stringMatching(/^\d+ rows are in .*\nThe master key [0-9a-f]{16} /) });
  const ran = async (client: SignalboxClient): Promise<unknown[]> =>
    (await Array.fromAsync(client.runs.list())).map(({ id, status, workflow, endedAt }) => ({ id, status, workflow, endedAt }));
  const runs = await ran(await stack.client());
  expect(runs).toContainEqual(expect.objectContaining({ workflow: 'repository-report', status: 'succeeded' }));
  const key = await stack.adminKey();
  expect(await stack.stop()).toBe(0);

  await using other = await StackUnderTest.create({ SIGNALBOX_ADMIN_KEY: key });
  const masterKey = join(stack.data, 'security', 'master.key');
  expect(await other.operate('restore', file, '--master-key', masterKey)).toMatchObject({ code: 0 });
  await other.start('--no-example');
  await other.allUp();
  const client = await other.client();
  expect(await ran(client)).toEqual(runs);
  expect(await client.audit.verify()).toMatchObject({ intact: true });
  expect(await other.stop()).toBe(0);

  await writeFile(join(other.data, 'security', 'master.key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
  await expect(other.start('--no-example')).rejects.toThrow(
    /the master key \S+ is [0-9a-f]{16}, but the database is sealed with [0-9a-f]{16}/,
  );
  expect(await other.operate('restore', file)).toMatchObject({ code: 1, err: expect.stringContaining('The backup needs the master key') });
}, 240_000);

test('a server elsewhere is refused without TLS, and one whose certificate is of another CA', async () => {
  const theirs = makeCertificates(folder, 'theirs');
  for (const [change, because] of [
    [
      { DATABASE_URL: 'postgres://a:b@db.example.org/agents', DATABASE_CA_FILE: '' },
      /DATABASE_URL would reach PostgreSQL at db\.example\.org without TLS[^]*SIGNALBOX_ALLOW_PLAINTEXT=1/,
    ],
    [
      { NATS_URL: 'nats://nats.example.org:4222', NATS_CA_FILE: '' },
      /NATS_URL would reach NATS at nats\.example\.org without TLS[^]*SIGNALBOX_ALLOW_PLAINTEXT=1/,
    ],
    [{ DATABASE_CA_FILE: theirs.caFile }, /PostgreSQL at localhost:\d+ cannot be used: .*certificate/],
    [{ NATS_CA_FILE: theirs.caFile }, /NATS at localhost cannot be trusted: .*certificate/],
    [{ NATS_CREDS_DIR: tmpdir() }, /NATS_CREDS_DIR .* has no .*registry\.creds/],
  ] as const) {
    await using other = await StackUnderTest.create({ ...environment, ...change });
    await other.adopt(stack.data);
    await expect(other.start('--no-example')).rejects.toThrow(because);
  }
}, 240_000);

test('a data folder whose passwords the servers do not know is told what an administrator must run', async () => {
  await using other = await StackUnderTest.create(environment);
  await expect(other.start('--no-example')).rejects.toThrow(
    /may not create roles, and they are not set up for this data folder[^]*signalbox db init --print/,
  );
  expect(await readdir(join(other.data, 'backups'))).toEqual([]);
});
