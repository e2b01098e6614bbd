import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startChild, type Child } from '../src/child.ts';
import { contain, type ContainmentOptions } from '../src/containment/contain.ts';
import { containmentLevels, isAtLeast } from '../src/containment/levels.ts';
import { programPaths } from '../src/containment/program-paths.ts';
import { findProgram, hostTools, levelOf, type ContainmentTools } from '../src/containment/tools.ts';
import { doing, fixture, isAlive, output, printed, start, until } from './deeds.ts';

const isLinux = process.platform === 'linux';
const tools = await hostTools();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'contained-'));
  for (const name of ['data', 'data-evil', 'data/secret']) await mkdir(join(folder, name));
  for (const name of ['data/file', 'data-evil/file', 'data/secret/file', 'outside']) await writeFile(join(folder, name), 'x');
  await symlink(join(folder, 'outside'), join(folder, 'data/link'));
});
afterAll(() => rm(folder, { recursive: true }));

const base: ContainmentOptions = { readable: [dirname(fixture), dirname(process.execPath)] };
const withTools = (given: ContainmentTools): { tools: ContainmentTools } => ({ tools: given });
const withoutBwrap = (): ContainmentTools => Object.fromEntries(Object.entries(tools).filter(([name]) => name !== 'bwrap'));

test('levels are in order, and the tools of the host say which is reached', () => {
  expect(containmentLevels.map((level) => isAtLeast(level, 'medium'))).toEqual([false, false, true, true]);
  const all = { bwrap: '/b', unshare: '/u', setpriv: '/s', prlimit: '/p' };
  expect(levelOf(all)).toBe('strong');
  expect(levelOf({ unshare: '/u', setpriv: '/s', prlimit: '/p' })).toBe('medium');
  expect(levelOf({ setpriv: '/s', prlimit: '/p' })).toBe('basic');
  expect(levelOf({ bwrap: '/b' })).toBe('none');
});

test('without tools everything still starts, at the level none; below a required minimum nothing does', async () => {
  const child = await start(['print'], { containment: base }, withTools({}));
  expect(child.containment).toBe('none');
  await output(child);
  await expect(start(['print'], { containment: { ...base, minimum: 'basic' } }, withTools({}))).rejects.toMatchObject({
    code: 'containment',
    message: expect.stringContaining('install bubblewrap'),
  });
  expect(() =>
    contain('/bin/true', [], '/', { network: true, minimum: 'strong' }, { bwrap: '/b', unshare: '/u', setpriv: '/s', prlimit: '/p' }),
  ).toThrow('it asks for the network');
});

test('programs are found as execvp does, but never in a relative folder of the PATH', () => {
  expect(findProgram('sh', '.:bin:/usr/bin:/bin', '/')).toMatch(/\/bin\/sh$/);
  expect(findProgram('bin/sh', '', '/')).toBe('/bin/sh');
  expect(findProgram('/bin/sh', '', '/tmp')).toBe('/bin/sh');
  expect(findProgram('sh', '.', '/bin')).toBeNull();
  expect(findProgram('/etc/passwd', '', '/')).toBeNull();
});

test('a command may read what it names: its script, the packages beside it, folders in its arguments', async () => {
  await mkdir(join(folder, 'package/node_modules/tool/node_modules/dependency'), { recursive: true });
  await mkdir(join(folder, 'package/src'));
  await writeFile(join(folder, 'package/package.json'), '{}');
  for (const file of ['src/main.mjs', 'node_modules/tool/cli.mjs']) await writeFile(join(folder, 'package', file), '');
  const paths = programPaths('/usr/bin/env', ['src/main.mjs', '--flag', 'data', '/', 'not-there', ''], join(folder, 'package'));
  expect(paths).toContain(join(folder, 'package'));
  expect(paths).toContain(join(folder, 'package/node_modules'));
  expect(paths).not.toContain('/');
  expect(programPaths('/usr/bin/env', ['package/node_modules/tool/cli.mjs'], folder)).toContain(join(folder, 'package/node_modules'));
  expect(programPaths('/usr/bin/env', [join(folder, 'data')], '/')).toContain(join(folder, 'data'));
  expect(programPaths('/usr/bin/env', [join(folder, 'outside')], '/')).toContain(join(folder, 'outside'));
});

(isLinux && tools.bwrap ? describe : describe.skip)('at the level strong', () => {
  async function seen(paths: string[], options: ContainmentOptions): Promise<string[]> {
    const child = await start(['read', ...paths], { containment: { ...base, ...options } });
    expect(child.containment).toBe('strong');
    return (await output(child))
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[1]!);
  }

  test('a child sees the folders that it is given and no sibling, parent or link out of them', async () => {
    const paths = ['data/file', 'data/../data-evil/file', 'data-evil/file', 'data/link', 'outside', 'data/secret/file'];
    const outcomes = await seen(
      paths.map((path) => join(folder, path)),
      { readable: [...base.readable!, join(folder, 'data')], hidden: [join(folder, 'data/secret'), '/not/there'] },
    );
    expect(outcomes).toEqual(['read', 'ENOENT', 'ENOENT', 'ENOENT', 'ENOENT', 'ENOENT']);
  });

  test('a folder that may be written stays, even inside one that is hidden', async () => {
    await mkdir(join(folder, 'data/secret/own'), { recursive: true });
    const options = {
      readable: [...base.readable!, join(folder, 'data')],
      hidden: [join(folder, 'data/secret')],
      writable: [join(folder, 'data/secret/own')],
    };
    const write = async (path: string): Promise<string> =>
      (await output(await start(['write', join(folder, path)], { containment: { ...base, ...options } }))).trim();
    expect(await write('data/secret/own/new')).toBe('written');
    expect(await seen([join(folder, 'data/secret/file'), join(folder, 'data/secret/own/new')], options)).toEqual(['ENOENT', 'read']);
  });

  test('the host’s keys and the environment of its processes are out of sight', async () => {
    const outcomes = await seen(['/etc/shadow', `/proc/${process.pid}/environ`, '/root/.bashrc', '/etc/passwd'], {});
    expect(outcomes).toEqual(['ENOENT', 'ENOENT', 'ENOENT', 'read']);
  });

  test('what is readable cannot be written, what is writable can', async () => {
    const write = async (options: ContainmentOptions): Promise<string> =>
      (await output(await start(['write', join(folder, 'data/new')], { containment: { ...base, ...options } }))).trim();
    expect(await write({ readable: [...base.readable!, join(folder, 'data')] })).toBe('EROFS');
    expect(await write({ writable: [join(folder, 'data')] })).toBe('written');
    expect(await write({ readable: [...base.readable!, join(folder, 'data/new')], writable: [join(folder, 'data')] })).toBe('written');
  });

  test('a working directory that was not named is there, and empty', async () => {
    const child = await start(['read', 'outside', 'data/file'], {
      cwd: folder,
      containment: { readable: [...base.readable!, join(folder, 'data')] },
    });
    expect(await output(child)).toBe('outside ENOENT\ndata/file read\n');
  });

  test('the network is closed; a child that asks for it gets it and is called medium', async () => {
    await using server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const target = ['connect', '127.0.0.1', String((server.address() as AddressInfo).port)];
    expect((await output(await start(target, { containment: base }))).trim()).toBe('ECONNREFUSED');
    const open = await start(target, { containment: { ...base, network: true } });
    expect(open.containment).toBe('medium');
    expect((await output(open)).trim()).toBe('connected');
  });

  test('SIGTERM reaches the program through its wrapper, and a tree that ignores it is gone', async () => {
    const polite = await start(['polite'], { containment: base });
    await printed(polite);
    await expect(polite.stop({ inputMs: 50 })).resolves.toMatchObject({ code: 7 });
    const family = await start(['family', 'stay'], { containment: base });
    await printed(family);
    await family.stop({ inputMs: 50, graceMs: 50 });
    await until(async () => !(await isAlive(family.pid)));
  });
});

const kinds: [string, () => ContainmentTools][] = [
  ['medium', withoutBwrap],
  ['basic', () => Object.fromEntries(Object.entries(withoutBwrap()).filter(([name]) => name !== 'unshare'))],
];
(isLinux && tools.unshare && tools.setpriv && tools.prlimit ? describe : describe.skip)('with fewer tools', () => {
  test.each(kinds)('the level %s starts, reads and stops a child with its family', async (level, given) => {
    const child: Child = await startChild(doing(['family', 'stay'], { containment: base }), withTools(given()));
    expect(child.containment).toBe(level);
    const pids = (await printed(child)).split(' ').map(Number);
    await child.stop({ inputMs: 50, graceMs: 50 });
    if (level === 'basic') await until(async () => (await Promise.all(pids.map(isAlive))).every((alive) => !alive));
    else await until(async () => !(await isAlive(child.pid)));
  });
});

(isLinux && tools.prlimit && tools.setpriv ? describe : describe.skip)('limits', () => {
  test('a tree with too many processes is ended, with the reason', async () => {
    const child = await start(['many', '20'], { containment: { ...base, limits: { processesMax: 10 } } });
    await expect(child.exited).resolves.toMatchObject({ because: 'it had more than 10 processes' });
  });

  test('a balloon is ended, by the kernel or by us', async () => {
    const child = await start(['balloon'], { containment: { ...base, limits: { memoryMaxBytes: 512 * 1024 ** 2 } } });
    const exit = await child.exited;
    expect(exit.because ?? exit.signal ?? exit.code).not.toBe(0);
  });
});
