import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withClient } from '../src/database/connect.ts';
import { canReach, postgresAccount } from '../src/postgres/account.ts';
import { postgresBinaries, reachableBinaries } from '../src/postgres/binaries.ts';
import { PostgresCluster } from '../src/postgres/cluster.ts';
import { endProcess, isAlive } from '../src/processes.ts';

jest.setTimeout(180_000);

let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-postgres-'));
  await chmod(work, 0o755);
});
afterAll(() => rm(work, { recursive: true, force: true }));

function options(folder: string): { folder: string; binariesFolder: string; password: string } {
  return { folder: join(work, folder), binariesFolder: join(work, 'bin'), password: 'of-the-test' };
}

test('a cluster keeps what was acknowledged when it is killed, and ends its predecessor', async () => {
  const first = await PostgresCluster.start(options('kept'));
  await withClient(first.url(), async (client) => {
    await client.query('CREATE TABLE t (n int)');
    await client.query('INSERT INTO t VALUES (1)');
    expect((await client.query(`SELECT current_setting('fsync') AS fsync, current_setting('listen_addresses') AS at`)).rows).toEqual([
      { fsync: 'on', at: '127.0.0.1' },
    ]);
  });
  // The launcher was killed: its server runs on, and the next start ends it.
  const second = await PostgresCluster.start({ ...options('kept'), port: first.port });
  expect(await isAlive(first.pid)).toBe(false);
  await second.kill();
  const third = await PostgresCluster.start(options('kept'));
  expect(await withClient(third.url(), async (client) => (await client.query('SELECT n FROM t')).rows)).toEqual([{ n: 1 }]);
  await third.stop();
  await third.stop();
});

test('nobody comes in without the password, and no file of it is left', async () => {
  const cluster = await PostgresCluster.start({ ...options('closed'), settings: { fsync: 'off' } });
  try {
    await expect(withClient(cluster.url('postgres', 'signalbox_admin', 'wrong'), () => Promise.resolve())).rejects.toMatchObject({
      detail: expect.stringContaining('password'),
    });
    expect((await stat(join(work, 'closed'))).mode & 0o077).toBe(0);
    await expect(readFile(join(work, `.password-${process.pid}`))).rejects.toThrow('ENOENT');
  } finally {
    await cluster.stop();
  }
});

test('a pid file whose number is of another process by now does not block the start', async () => {
  const first = await PostgresCluster.start({ ...options('stale'), settings: { fsync: 'off' } });
  await first.kill();
  const other = spawn('sleep', ['100']);
  const pidFile = join(work, 'stale', 'postmaster.pid');
  const lines = (await readFile(pidFile, 'utf8')).split('\n');
  await writeFile(pidFile, [String(other.pid), ...lines.slice(1)].join('\n'));
  const second = await PostgresCluster.start({ ...options('stale'), settings: { fsync: 'off' } });
  expect(await isAlive(other.pid!)).toBe(true);
  other.kill();
  await second.stop();
});

test('what an interrupted first start leaves is made anew', async () => {
  await mkdir(join(work, 'half'));
  await writeFile(join(work, 'half', 'PG_VERSION'), '18\n');
  const cluster = await PostgresCluster.start({ ...options('half'), settings: { fsync: 'off' } });
  await cluster.stop();
});

test('a server that cannot start says why: a taken port, a setting that is none', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await expect(PostgresCluster.start({ ...options('half'), port })).rejects.toMatchObject({
    detail: expect.stringMatching(/ended at its start[\s\S]*Address already in use/),
  });
  await new Promise((resolve) => server.close(resolve));
  await expect(PostgresCluster.start({ ...options('half'), settings: { nonsense: '1' } })).rejects.toMatchObject({
    detail: expect.stringContaining('nonsense'),
  });
});

test('an initdb that fails is named with what it said', async () => {
  await expect(PostgresCluster.start({ ...options('never'), password: '' })).rejects.toMatchObject({
    detail: expect.stringMatching(/could not make its data folder[\s\S]*password/),
  });
});

test('programs below a folder that the account cannot enter are copied where it can', async () => {
  const nobody = { uid: 65_534, gid: 65_534 };
  const closed = join(work, 'root-only');
  await mkdir(join(closed, 'native', 'bin'), { recursive: true });
  await chmod(closed, 0o700);
  for (const name of ['initdb', 'postgres']) await writeFile(join(closed, 'native', 'bin', name), '#!/bin/sh\n', { mode: 0o644 });
  const found = {
    initdb: join(closed, 'native', 'bin', 'initdb'),
    postgres: join(closed, 'native', 'bin', 'postgres'),
    version: '18.0',
    major: 18,
  };
  expect(await canReach(found.postgres, nobody)).toBe(false);

  const copied = await reachableBinaries(found, nobody, join(work, 'copies'));
  expect(copied.postgres).toBe(join(work, 'copies', 'postgres-18.0', 'bin', 'postgres'));
  expect(await canReach(copied.postgres, nobody)).toBe(true);
  expect((await stat(copied.postgres)).mode & 0o111).toBe(0o111);
  expect(await reachableBinaries(found, nobody, join(work, 'copies'))).toEqual(copied);
  expect(await reachableBinaries(found, null, join(work, 'copies'))).toEqual(found);
});

test('PostgreSQL runs under an account of its own where we are root', async () => {
  const account = await postgresAccount();
  if (process.getuid?.() === 0) expect(account!.uid).toBeGreaterThan(0);
  else expect(account).toBeNull();
  expect((await postgresBinaries()).major).toBe(18);
});

test('a process that ignores what asks it to end is ended', async () => {
  const stubborn = spawn(process.execPath, ['-e', `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => stubborn.stdout.once('data', resolve));
  await endProcess(stubborn.pid!, ['SIGTERM'], 200);
  expect(await isAlive(stubborn.pid!)).toBe(false);
  await endProcess(stubborn.pid!, ['SIGTERM'], 200); // what is gone stays gone
});
