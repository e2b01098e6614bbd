import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { version } from '../src/cli/version.ts';
import { page, RestDouble } from './rest-double.ts';
import { temporaryFolder } from './terminal-double.ts';

const bin = new URL('../bin/signalbox.mjs', import.meta.url).pathname;
let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

interface Ended {
  exit: number;
  out: string;
  err: string;
}

function start(args: readonly string[], options: { file?: string; env?: Record<string, string> } = {}): Promise<Ended> {
  const env = { PATH: process.env['PATH'] ?? '', SIGNALBOX_URL: rest.url, ...options.env };
  return promisify(execFile)(process.execPath, [options.file ?? bin, ...args], { env }).then(
    ({ stdout, stderr }) => ({ exit: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ exit: error.code, out: error.stdout, err: error.stderr }),
  );
}

test('the checked-in command runs the built command line', async () => {
  rest.on('GET /agents', page([]));
  expect(await start(['version'])).toEqual({ exit: 0, out: `signalbox ${version}\n`, err: '' });
  expect((await start(['agents'])).out).toContain('No agents yet');
  expect(await start(['agents', 'none'])).toMatchObject({ exit: 5, err: expect.stringContaining('there is nothing at /agents/none') });
});

test('in a clone that is not built it says what builds it', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'bin'));
  await cp(bin, join(folder.path, 'bin/signalbox.mjs'));
  expect(await start([], { file: join(folder.path, 'bin/signalbox.mjs') })).toEqual({
    exit: 2,
    out: '',
    err: 'error: signalbox is not built yet\n  next: run npm start, or npx turbo run build --filter=@signalbox/sdk\n',
  });
});

test('standard input is read, and a reader that leaves is no failure', async () => {
  rest.on('POST /tools/a/b/call', {
    content: Array.from({ length: 5_000 }, () => ({ type: 'text', text: 'x'.repeat(100) })),
    isError: false,
  });
  const child = spawn('bash', ['--norc', '-c', `echo '{"n": 1}' | "${process.execPath}" "${bin}" call a/b --args - | head -1`], {
    env: { PATH: process.env['PATH'] ?? '', SIGNALBOX_URL: rest.url },
  });
  const chunks: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  await new Promise((resolve) => child.on('close', resolve));
  expect(Buffer.concat(chunks).toString()).toBe(`${'x'.repeat(100)}\n`);
  expect(Buffer.concat(errors).toString()).toBe('');
  expect(rest.seen[0]?.body).toEqual({ arguments: { n: 1 } });
});

test('Ctrl-C ends a command with 130', async () => {
  rest.on('GET /deployments/d/board', () => new Promise((resolve) => setTimeout(resolve, 2_000).unref()));
  const child = spawn(process.execPath, [bin, 'board', 'd'], { env: { SIGNALBOX_URL: rest.url } });
  while (rest.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGINT');
  const exit = await new Promise((resolve) => child.on('close', resolve));
  expect(exit).toBe(130);
});

test('away from a clone, what works on the servers says where to run it', async () => {
  await using folder = await temporaryFolder();
  const sdk = join(folder.path, 'packages/sdk');
  await mkdir(sdk, { recursive: true });
  for (const name of ['bin', 'dist', 'package.json'])
    await cp(new URL(`../${name}`, import.meta.url).pathname, join(sdk, name), { recursive: true });
  await symlink(new URL('../node_modules', import.meta.url).pathname, join(sdk, 'node_modules'));
  for (const args of [['backup'], ['restore', 'file'], ['db', 'init', '--print'], ['nats', 'init', folder.path]]) {
    expect(await start(args, { file: join(sdk, 'bin/signalbox.mjs') })).toMatchObject({
      exit: 2,
      out: '',
      err: expect.stringMatching(/is not in a clone of Signalbox that is built\n {2}next: Run it in the clone/) as unknown,
    });
  }
});

test('in the clone, what works on the servers is loaded from it, and its faults are told', async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  expect(await start(['--data', data, 'backup'])).toEqual({
    exit: 1,
    out: '',
    err: `error: ${data} is no data folder of Signalbox.\n  next: Name it by --data DIR or SIGNALBOX_DATA.\n`,
  });
  const nats = await start(['nats', 'init', join(folder.path, 'nats')]);
  expect(nats).toMatchObject({ exit: 0, out: '', err: expect.stringContaining('one .creds a service are in') as unknown });
  const printed = await start(['--data', data, 'db', 'init', '--print']);
  expect(printed).toMatchObject({
    exit: 0,
    out: expect.stringContaining('CREATE ROLE "signalbox_backup" LOGIN NOSUPERUSER') as unknown,
    err: '',
  });
});
