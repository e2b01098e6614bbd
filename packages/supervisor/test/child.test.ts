import { afterEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../src/child.ts';
import { startChild } from '../src/child.ts';
import { isAlive, output, printed, start, until } from './deeds.ts';

const started: Child[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.kill('the test is over')));
});
async function run(...args: Parameters<typeof start>): Promise<Child> {
  const child = await start(...args);
  started.push(child);
  return child;
}

test('a child gets its arguments as they are and nothing of our environment', async () => {
  const child = await run(['print', '$HOME; rm -rf /', '`id`', 'a b'], { env: { PATH: '/usr/bin', GREETING: 'hi' } });
  const seen = JSON.parse(await output(child)) as { argv: string[]; env: Record<string, string>; cwd: string };
  expect(seen.argv).toEqual(['$HOME; rm -rf /', '`id`', 'a b']);
  delete seen.env['NODE_V8_COVERAGE']; // Node hands it to every child while coverage is measured
  expect(Object.keys(seen.env).sort()).toEqual(['GREETING', 'PATH', 'SIGNALBOX_CHILD', 'SIGNALBOX_SUPERVISOR']);
  expect(seen.cwd).toBe('/');
});

test('how a child ended is told', async () => {
  await expect((await run(['exit', '3'])).exited).resolves.toEqual({ code: 3, signal: null, because: null });
});

test('a child that reads its input ends when that ends, without a signal', async () => {
  const child = await run(['echo']);
  child.stdin.write('hello');
  expect(await printed(child)).toBe('hello');
  await expect(child.stop()).resolves.toMatchObject({ code: 0, because: 'it was stopped' });
  expect(child.isRunning).toBe(false);
});

test('a child that handles SIGTERM ends in its own way', async () => {
  const child = await run(['polite']);
  await printed(child);
  await expect(child.stop({ inputMs: 50 })).resolves.toMatchObject({ code: 7 });
});

test('a child that ignores its input and SIGTERM is gone within five seconds, and two who stop it get one answer', async () => {
  const child = await run(['stubborn']);
  await printed(child);
  const before = performance.now();
  const [one, other] = await Promise.all([child.stop({ because: 'enough' }), child.stop()]);
  expect(one).toMatchObject({ signal: 'SIGKILL', because: 'enough' });
  expect(other).toBe(one);
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('stopping a child takes grandchildren along, also one that left the group', async () => {
  const child = await run(['family', 'stay']);
  const pids = (await printed(child)).split(' ').map(Number);
  expect(await Promise.all(pids.map(isAlive))).toEqual([true, true]);
  await child.stop({ inputMs: 50, graceMs: 50 });
  await until(async () => (await Promise.all(pids.map(isAlive))).every((alive) => !alive));
});

test('a child that ends by itself leaves nobody behind', async () => {
  const child = await run(['family', 'leave']);
  const pids = (await printed(child)).split(' ').map(Number);
  await expect(child.exited).resolves.toMatchObject({ code: 0 });
  await until(async () => (await Promise.all(pids.map(isAlive))).every((alive) => !alive), 1_000);
});

test('the last lines of stderr are kept, whatever is written', async () => {
  const heard: string[] = [];
  const child = await run(['stderr', '10000'], {}, { onStderrLine: (line) => heard.push(line) });
  await until(() => child.stderr.total === 10_000);
  expect(child.stderr.lines).toHaveLength(200);
  expect(child.stderr.lines.at(-1)).toBe('line 9999');
  expect(heard).toHaveLength(10_000);
});

test('a line of 100 MB costs no memory and is told as such', async () => {
  const child = await run(['long-line', String(100 * 1024 * 1024)]);
  await until(() => child.stderr.lines.includes('after'), 20_000);
  expect(child.stderr.lines[0]).toMatch(/^\(a line of more than \d+ bytes\)$/);
});

test('a program that is not there is named', async () => {
  await expect(startChild({ command: ['no-such-program'], cwd: '/', env: { PATH: '/usr/bin' } })).rejects.toThrow(
    'there is no program no-such-program on the PATH /usr/bin',
  );
  await expect(startChild({ command: ['./no-such'], cwd: '/', env: {} })).rejects.toMatchObject({ code: 'not-found' });
  await expect(startChild({ command: ['no-such-program'], cwd: '/', env: {} })).rejects.toThrow('(empty)');
});

test('a folder that is not there is told, and the child is not started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'supervisor-'));
  await rm(folder, { recursive: true });
  await expect(start(['print'], { cwd: folder })).rejects.toThrow('cannot be started');
});

test.each([
  [{ command: [], cwd: '/', env: {} }, 'the command is empty'],
  [{ command: ['a\0b'], cwd: '/', env: {} }, 'NUL'],
  [{ command: ['a'], cwd: 'here', env: {} }, 'not an absolute path'],
  [{ command: ['a'], cwd: '/', env: { 'A-B': 'x' } }, 'is no name'],
  [{ command: ['a'], cwd: '/', env: { A: 'x\0' } }, 'A holds a NUL'],
  [{ command: ['a'], cwd: '/', env: { A: 'x'.repeat(200_000) } }, 'more than 131072 bytes'],
  [{ command: Array.from({ length: 300 }, () => 'a'), cwd: '/', env: {} }, 'more than 256 arguments'],
])('what no system can start is refused: %#', async (spec, sentence) => {
  await expect(startChild(spec)).rejects.toThrow(sentence);
});

test('writing to a child that is gone throws nothing', async () => {
  const child = await run(['exit', '0']);
  await child.exited;
  child.stdin.write('late');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(child.stop()).resolves.toMatchObject({ code: 0 });
  await expect(child.kill('again')).resolves.toMatchObject({ code: 0 });
});

test('two hundred children started and stopped at once leave no process behind', async () => {
  const children = await Promise.all(
    Array.from({ length: 200 }, () => startChild({ command: ['cat'], cwd: '/', env: { PATH: '/usr/bin:/bin' } })),
  );
  await Promise.all(children.map((child) => child.stop()));
  expect(await Promise.all(children.map(({ pid }) => isAlive(pid)))).not.toContain(true);
});
