import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../src/free-port.ts';
import { isAlive, waitUntilGone } from '../src/processes.ts';
import { Launcher, processesOf } from './launcher.ts';
import { addMigration, makeRoot } from './small-services.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

let work: string;
let root: string;
let data: string;
let port: number;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-launch-'));
  await chmod(work, 0o755);
  root = join(work, 'root');
  data = join(work, 'data');
  await makeRoot(root);
  port = await freePort();
});

afterAll(() => rm(work, { recursive: true, force: true }));

const args = (more: string[] = []): string[] => ['--data', data, '--port', String(port), ...more];

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o777).toString(8);
}

test('the first start makes everything, shows the key once and ends in order', async () => {
  await using launcher = new Launcher(root, args());
  await launcher.says(new RegExp(`Signalbox is ready at http://127.0.0.1:${port}`));
  const [, key] = await launcher.says(/shown this once: (sbx_[0-9a-f]{64})/);

  expect((await readFile(join(data, 'admin.key'), 'utf8')).trim()).toBe(key);
  for (const name of ['admin.key', 'passwords.json', 'nats-keys.json', 'creds/registry.creds', 'stack.json'])
    expect(await modeOf(join(data, name))).toBe('600');
  expect(JSON.parse(await readFile(join(data, 'stack.json'), 'utf8'))).toMatchObject({
    url: `http://127.0.0.1:${port}`,
    pid: launcher.pid,
  });
  expect(launcher.output).toMatch(/Migrations applied: 6 \(\d+\.\d s\)/);
  const processes = await processesOf(data);
  expect(Object.keys(processes).sort()).toEqual([
    'NATS',
    'PostgreSQL',
    'api-gateway',
    'context',
    'execution',
    'mcp-server',
    'protocol',
    'registry',
    'security',
  ]);

  launcher.signal('SIGINT');
  expect(await launcher.exit()).toBe(0);
  expect(launcher.output).toMatch(/Stopping…\nSignalbox has stopped\.\n$/);
  for (const pid of Object.values(processes)) expect(await isAlive(pid)).toBe(false);
  await expect(readFile(join(data, 'stack.json'))).rejects.toThrow('ENOENT');
  await expect(readFile(join(data, 'launcher.lock'))).rejects.toThrow('ENOENT');
});

test('a service sees no more of the environment than it needs, and its log says so', async () => {
  await using launcher = new Launcher(root, args(), { OPENAI_API_KEY: 'secret', UNRELATED: '1' });
  await launcher.says(/is ready at/);
  expect(launcher.output).not.toContain('shown this once');
  const envOf = async (service: string): Promise<string[]> => {
    const lines = (await readFile(join(data, 'logs', `${service}.log`), 'utf8')).trim().split('\n');
    return (JSON.parse(lines.at(-1)!) as { env: string[] }).env;
  };
  expect(await envOf('protocol')).toContain('OPENAI_API_KEY');
  expect(await envOf('registry')).not.toContain('OPENAI_API_KEY');
  expect(await envOf('registry')).toEqual(
    expect.arrayContaining(['DATABASE_URL', 'SYSTEM_DATABASE_URL', 'NATS_URL', 'NATS_CREDS', 'SIGNALBOX_URL']),
  );
  expect(await envOf('api-gateway')).not.toContain('DATABASE_URL');
  expect(await envOf('security')).toEqual(expect.arrayContaining(['ADMIN_KEY', 'MASTER_KEY_FILE']));
  for (const service of ['registry', 'execution'])
    for (const secret of ['UNRELATED', 'ADMIN_KEY']) expect(await envOf(service)).not.toContain(secret);
});

test('a second start in the same folder says where the first one listens', async () => {
  await using launcher = new Launcher(root, args());
  await launcher.says(/is ready at/);
  await using second = new Launcher(root, ['--data', data, '--port', String(await freePort())]);
  expect(await second.exit()).toBe(1);
  expect(second.output).toContain(`already runs in ${data} (process ${launcher.pid}) and listens at http://127.0.0.1:${port}`);

  await using elsewhere = new Launcher(root, ['--data', join(work, 'other'), '--port', String(port)]);
  expect(await elsewhere.exit()).toBe(1);
  expect(elsewhere.output).toContain(`Port ${port} is taken by another Signalbox.`);
  expect(elsewhere.output).toContain(`--port ${port + 1}`);
});

test('a port that another program has taken is named, and nothing is left running', async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    await using launcher = new Launcher(root, args());
    expect(await launcher.exit()).toBe(1);
    expect(launcher.output).toContain(`Port ${port} is taken by another program.`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('what crashes is seen, said and started again: services and servers', async () => {
  await using launcher = new Launcher(root, args());
  await launcher.says(/is ready at/);
  for (const name of ['execution', 'NATS', 'PostgreSQL']) {
    const before = (await processesOf(data))[name]!;
    process.kill(before, 'SIGKILL');
    await launcher.says(new RegExp(`${name} was ended by SIGKILL; it is started again\\.`));
    await launcher.says(new RegExp(`${name} is back \\(\\d`));
    await waitUntilGone(before, 5_000);
  }
});

test('a launcher that was killed leaves nothing that blocks the next start', async () => {
  const first = new Launcher(root, args());
  await first.says(/is ready at/);
  const processes = await processesOf(data);
  first.signal('SIGKILL');
  await first.exit();

  await using second = new Launcher(root, args());
  await second.says(/is ready at/);
  for (const pid of Object.values(processes)) expect(await isAlive(pid)).toBe(false);
});

test('a service that cannot start ends the start, with what it said, and nothing is left', async () => {
  const mark = join(root, 'apps', 'context', 'dist', 'fails');
  await writeFile(mark, '');
  await using launcher = new Launcher(root, args());
  expect(await launcher.exit()).toBe(1);
  expect(launcher.output).toContain('context ended at its start (code 3). It said:\n  the configuration cannot be used');
  await rm(mark);
  for (const pid of Object.values(await processesOf(data))) expect(await isAlive(pid)).toBe(false);
});

test('Ctrl-C in the middle of a start ends what was started', async () => {
  await using launcher = new Launcher(root, args());
  await launcher.says(/PostgreSQL runs/);
  launcher.signal('SIGINT');
  const code = await launcher.exit();
  expect({ code, output: launcher.output }).toMatchObject({ code: 0, output: expect.stringMatching(/Signalbox has stopped\.\n$/) });
  for (const pid of Object.values(await processesOf(data))) expect(await isAlive(pid)).toBe(false);
});

test('an update backs up before it migrates', async () => {
  await addMigration(root, 'context');
  await using launcher = new Launcher(root, args());
  await launcher.says(/Backup before the migrations: 6 rows in .*\.backup\.gz/);
  await launcher.says(/Migrations applied: 1 /);
  await launcher.says(/is ready at/);
  const [backup] = await readdir(join(data, 'backups'));
  expect(await modeOf(join(data, 'backups', backup!))).toBe('600');
});

test('a data folder that an older version cannot read is refused', async () => {
  await rm(join(root, 'apps', 'context', 'dist', 'migrations', '0002-second.js'));
  await using launcher = new Launcher(root, args());
  expect(await launcher.exit()).toBe(1);
  expect(launcher.output).toContain('was migrated by a newer Signalbox: it has 0002-second');

  const versionFile = join(data, 'version.json');
  const version = await readFile(versionFile, 'utf8');
  await writeFile(versionFile, version.replace('"format": 1', '"format": 2'));
  await using second = new Launcher(root, args());
  expect(await second.exit()).toBe(1);
  expect(second.output).toContain('was written by a newer Signalbox (0.0.1, format 2');
  await writeFile(versionFile, version);
});

test('--fresh deletes nothing without a yes, then begins anew with another key', async () => {
  await using unasked = new Launcher(root, args(['--fresh']));
  expect(await unasked.exit()).toBe(1);
  expect(unasked.output).toContain('there is nobody to ask');
  const before = await readFile(join(data, 'admin.key'), 'utf8');

  await using launcher = new Launcher(root, args(['--fresh', '--yes']));
  await launcher.says(/shown this once/);
  expect(await readFile(join(data, 'admin.key'), 'utf8')).not.toBe(before);
  await launcher.says(/is ready at/);
});

test('a preset key is taken and kept, and not shown', async () => {
  await using launcher = new Launcher(root, args(), { SIGNALBOX_ADMIN_KEY: 'sbx_preset-key-of-the-test' });
  await launcher.says(/is ready at/);
  expect(launcher.output).not.toContain('sbx_preset');
  expect((await readFile(join(data, 'admin.key'), 'utf8')).trim()).toBe('sbx_preset-key-of-the-test');
});

test('data of another PostgreSQL is refused before anything is touched', async () => {
  await writeFile(join(data, 'postgres', 'PG_VERSION'), '15\n');
  await using launcher = new Launcher(root, args());
  expect(await launcher.exit()).toBe(1);
  expect(launcher.output).toMatch(/is of PostgreSQL 15, and this Signalbox brings PostgreSQL 18/);
});

test('a folder with files of somebody else is refused', async () => {
  await using launcher = new Launcher(root, ['--data', root, '--port', String(port)]);
  expect(await launcher.exit()).toBe(1);
  expect(launcher.output).toContain(`${root} is not empty and is no data folder`);
});

test('options are told', async () => {
  await using launcher = new Launcher(root, ['--help']);
  expect(await launcher.exit()).toBe(0);
  expect(launcher.output).toContain('--data DIR');
});

test.each([
  [['--prot', '1'], 'Unknown option'],
  [['--port', 'x'], 'x is not a port'],
])('arguments that make no sense are named (%j)', async (wrong, sentence) => {
  await using launcher = new Launcher(root, wrong);
  expect(await launcher.exit()).toBe(1);
  expect(launcher.output).toContain(sentence);
});
