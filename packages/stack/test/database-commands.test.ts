import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ended } from '../src/processes.ts';
import { addMigration, makeRoot } from './small-services.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

let work: string;
let root: string;
let data: string;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-commands-'));
  await chmod(work, 0o755);
  root = join(work, 'root');
  data = join(work, 'data');
  await makeRoot(root);
});

afterAll(() => rm(work, { recursive: true, force: true }));

/** Runs a command as `npm run db:…` does. */
async function command(...args: string[]): Promise<{ code: number | null; output: string }> {
  const module = new URL('../dist/launch/database-commands.js', import.meta.url).href;
  const script = `const { main } = await import(${JSON.stringify(module)}); process.exitCode = await main(${JSON.stringify(root)}, process.argv.slice(1));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { PATH: process.env.PATH, SIGNALBOX_DATA: data },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const { code } = await ended(child);
  return { code, output };
}

test('a plan says what would run, and changes nothing', async () => {
  const planned = await command('migrate', '--plan');
  expect(planned.output).toContain('context: 0 applied\n  would apply 0001-first:\n    CREATE TABLE first (n int);');
  expect(await command('migrate')).toMatchObject({ code: 0, output: expect.stringContaining('Migrations applied: 6') });
  expect((await command('migrate', '--plan')).output).toContain('context: 1 applied, nothing to do');
});

test('a migration of an update is backed up before, and undone after a backup', async () => {
  await addMigration(root, 'context');
  expect((await command('migrate')).output).toMatch(/Backup before the migrations: 6 rows[\s\S]*Migrations applied: 1/);
  expect((await command('rollback', 'context')).output).toMatch(/Backup: 7 rows[\s\S]*context: 0002-second was undone/);
  expect(await readdir(join(data, 'backups'))).toHaveLength(2);
});

test.each([
  [['rollback'], 'Name the service'],
  [['explode'], 'There is no command explode'],
  [['migrate', '--plam'], 'Unknown option'],
])('commands that make no sense are named (%j)', async (args, sentence) => {
  expect(await command(...args)).toMatchObject({ code: 1, output: expect.stringContaining(sentence) });
});
