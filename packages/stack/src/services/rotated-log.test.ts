import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RotatedLog } from './rotated-log.ts';

let work: string;
beforeEach(async () => void (work = await mkdtemp(join(tmpdir(), 'signalbox-log-'))));
afterEach(() => rm(work, { recursive: true, force: true }));

test('a log never takes more than its files, and the newest lines are kept', async () => {
  const log = new RotatedLog(join(work, 'logs', 'a.log'), { maxBytes: 100, files: 3 });
  for (let line = 0; line < 100; line++) log.write(`line ${String(line).padStart(3, '0')}\n`);
  log.close();
  expect((await readdir(join(work, 'logs'))).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
  for (const name of await readdir(join(work, 'logs'))) expect((await stat(join(work, 'logs', name))).size).toBeLessThanOrEqual(100);
  expect(await readFile(join(work, 'logs', 'a.log'), 'utf8')).toContain('line 099\n');
});

test('an earlier log is appended to, and a flood is cut', async () => {
  const path = join(work, 'a.log');
  const before = new RotatedLog(path, { maxBytes: 100, files: 2 });
  before.write('before\n');
  before.close();
  const log = new RotatedLog(path, { maxBytes: 100, files: 2 });
  log.write('after\n');
  expect(await readFile(path, 'utf8')).toBe('before\nafter\n');
  log.write('x'.repeat(10_000));
  log.close();
  log.close();
  log.write('after its end\n');
  expect((await stat(path)).size).toBe(100);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});
