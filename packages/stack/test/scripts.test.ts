import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ended } from '../src/processes.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

const clone = fileURLToPath(new URL('../../..', import.meta.url));
let root: string;

/** A clone without packages and with small pieces to build, and a network that reaches nobody. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-scripts-'));
  await cp(join(clone, 'scripts'), join(root, 'scripts'), { recursive: true });
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', 'tsconfig.base.json', 'turbo.json'])
    await cp(join(clone, name), join(root, name));
  await mkdir(join(root, 'packages', 'stack', 'src'), { recursive: true });
  await writeFile(join(root, 'packages', 'stack', 'package.json'), '{ "name": "stack", "type": "module" }');
  await writeFile(join(root, 'packages', 'stack', 'src', 'a.ts'), '');
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function start(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(root, 'scripts', 'start.mjs'), ...args], {
    cwd: root,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: root,
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_fetch_retries: '0',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { code } = await ended(child);
  return { code, output };
}

/** What an installation leaves: the Node of the services, and a turbo that builds what the launcher is. */
async function install(): Promise<void> {
  await mkdir(join(root, 'node_modules', 'node', 'bin'), { recursive: true });
  await writeFile(join(root, 'node_modules', 'node', 'package.json'), JSON.stringify({ version: process.versions.node }));
  await symlink(process.execPath, join(root, 'node_modules', 'node', 'bin', 'node'));
  await mkdir(join(root, 'node_modules', 'turbo', 'bin'), { recursive: true });
  const launcher = "export const main = async (root, args) => { console.log('launched', args.join(' ')); return 7; };";
  await writeFile(
    join(root, 'node_modules', 'turbo', 'bin', 'turbo'),
    `const fs = require('fs'); if (fs.existsSync('broken')) { console.log('a.ts(1,1): error'); process.exit(1); }
fs.appendFileSync('builds', 'x'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
fs.mkdirSync('packages/stack/dist/launch', { recursive: true }); fs.writeFileSync('packages/stack/dist/launch/main.js', ${JSON.stringify(launcher)});`,
  );
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) hash.update(await readFile(join(root, name)));
  for (const text of [process.platform, process.arch]) hash.update(`${text}\n`);
  await writeFile(join(root, 'node_modules', '.signalbox-installed'), hash.digest('hex'));
}

test('without packages and without a network it says that the registry cannot be reached', async () => {
  const { code, output } = await start();
  expect(code).toBe(1);
  expect(output).toMatch(/the package registry cannot be reached\.\nConnect this machine to the network/);
});

test('a later start needs no network, builds only what changed, and hands over', async () => {
  await install();
  const first = await start('--port', '7421');
  expect(first.output).toMatch(/Building…\n {2}Built \(\d+\.\d s\)\nlaunched --port 7421\n/);
  expect(first.code).toBe(7);
  expect((await start()).output).toBe('Signalbox starts.\nlaunched \n');

  await writeFile(join(root, 'packages', 'stack', 'src', 'a.ts'), 'changed');
  expect((await start()).output).toContain('Built');
  await rm(join(root, 'packages', 'stack', 'dist'), { recursive: true });
  expect((await start()).output).toContain('Built');
});

test('two commands at once build once', async () => {
  await install();
  const both = await Promise.all([start(), start()]);
  expect(both.map(({ code }) => code)).toEqual([7, 7]);
  expect(both.filter(({ output }) => output.includes('Another command installs or builds here: waiting for it'))).toHaveLength(1);
  expect(await readFile(join(root, 'builds'), 'utf8')).toBe('x');
});

test('what a command that was killed left does not hold up the next', async () => {
  await install();
  await mkdir(join(root, '.turbo'));
  await writeFile(join(root, '.turbo', 'preparing'), '4194305'); // more than any process id
  expect((await start()).output).toContain('Built');
  expect(await readdir(join(root, '.turbo'))).toEqual([]);
});

test('a lockfile that changed wants the network, and says so', async () => {
  await install();
  await writeFile(join(root, 'pnpm-lock.yaml'), 'changed: true\n');
  const { code, output } = await start();
  expect(code).toBe(1);
  expect(output).toContain('Installing packages');
});

test('a build that fails shows why', async () => {
  await install();
  await writeFile(join(root, 'broken'), '');
  const { code, output } = await start();
  expect(code).toBe(1);
  expect(output).toMatch(/a\.ts\(1,1\): error\n\nThe build failed; what it said stands above\./);
});

test('what was built from a source that is gone is removed, and nothing else', async () => {
  await install();
  const stack = join(root, 'packages', 'stack');
  await writeFile(join(stack, 'tsconfig.build.json'), '{}');
  await mkdir(join(stack, 'dist', 'bundle'), { recursive: true });
  for (const name of ['a.js', 'a.d.ts', 'gone.js', 'gone.js.map', 'gone.d.ts', 'copied.js', 'bundle/gone.js', 'bundle/gone.d.ts'])
    await writeFile(join(stack, 'dist', name), '');
  expect((await start()).output).toContain('Built');
  expect((await readdir(join(stack, 'dist'), { recursive: true })).sort()).toEqual([
    'a.d.ts',
    'a.js',
    'bundle',
    'bundle/gone.d.ts',
    'bundle/gone.js',
    'copied.js',
    'launch',
    'launch/main.js',
  ]);
});
