import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StdioSpec } from '../src/manifests/manifest.ts';
import { McpServerConfig } from '../src/mcp-server.config.ts';
import { childSpecOf, rootsOf } from '../src/upstreams/start-server.ts';

let folder: string;
let config: McpServerConfig;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-server-'));
  for (const name of ['data/keys', 'work']) await mkdir(join(folder, name), { recursive: true });
  await symlink(join(folder, 'data/keys'), join(folder, 'work/link'));
  config = Object.assign(new McpServerConfig(), { commandCwd: folder, hiddenDirs: [join(folder, 'data')], path: '/usr/bin:/bin' });
});
afterAll(() => rm(folder, { recursive: true }));

const spec = (more: Partial<StdioSpec> = {}): StdioSpec => ({ transport: 'stdio', command: ['cat', '${state}/file'], ...more });
const started = (more: Partial<StdioSpec> = {}, settings: Partial<McpServerConfig> = {}) =>
  childSpecOf(spec(more), join(folder, 'data/state'), Object.assign(new McpServerConfig(), config, settings));

test('a server gets its own folder, relative paths from the base, and nothing of our environment', async () => {
  const made = await started(
    { cwd: 'work', env: { FILE: '${state}/x' }, roots: ['work', { path: '${state}/out/', access: 'write' }] },
    { lang: 'C.UTF-8', tz: 'UTC' },
  );
  const state = join(folder, 'data/state');
  expect(made.command).toEqual(['cat', `${state}/file`]);
  expect(made.cwd).toBe(join(folder, 'work'));
  expect(made.env).toEqual({
    PATH: expect.stringMatching(/:\/usr\/bin:\/bin$/),
    HOME: state,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    FILE: `${state}/x`,
  });
  expect(made.containment).toMatchObject({ level: 'strong', minimum: 'none', network: false, writable: [state, join(state, 'out')] });
  expect(made.containment!.readable).toContain(join(folder, 'work'));
  expect(rootsOf(spec({ roots: ['/'] }), state, folder)).toEqual([{ path: '/', access: 'read' }]);
});

test('the higher of the two minimum levels counts', async () => {
  expect((await started({ containment: 'basic' }, { containmentMinimum: 'medium' })).containment!.minimum).toBe('medium');
  expect((await started({ containment: 'strong' }, { containmentMinimum: 'medium' })).containment!.minimum).toBe('strong');
});

test('no server sees a folder of Signalbox itself: not by name, not by a link, and not around it where nothing can be hidden', async () => {
  await expect(started({ roots: ['data/keys'] })).rejects.toThrow('lies in a folder of Signalbox itself');
  await expect(started({ roots: ['work/link'] })).rejects.toThrow('lies in a folder of Signalbox itself');
  await expect(started({ command: ['cat', 'data/keys'] })).rejects.toThrow('lies in a folder of Signalbox itself');
  await expect(started({ roots: ['.'] }, { containment: 'medium' })).rejects.toThrow('cannot be hidden here');
  await expect(started({ command: ['cat', folder] }, { containment: 'none' })).rejects.toThrow('cannot be hidden here');
});

test('a program that is not there is named', async () => {
  await expect(started({ command: ['no-such-program'] })).rejects.toMatchObject({ code: 'not-found' });
});
