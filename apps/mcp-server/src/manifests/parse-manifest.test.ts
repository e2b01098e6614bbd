import { expect, test } from '@jest/globals';
import type { Fault } from '@signalbox/shared/errors/fault.js';
import { changesBetween, shownManifest } from './changes.ts';
import type { McpServerManifest } from './manifest.ts';
import { parseManifest } from './parse-manifest.ts';

const manifest = (spec: object, metadata: object = { name: 'files' }): unknown => ({
  apiVersion: 'signalbox.dev/v1',
  kind: 'McpServer',
  metadata,
  spec,
});
const stdio = { transport: 'stdio', command: ['node', 'server.mjs'] };

function faultsOf(value: unknown, name = 'files'): [string, string][] {
  try {
    parseManifest(name, value);
    return [];
  } catch (thrown) {
    return ((thrown as Fault).errors ?? []).map(({ pointer, detail }) => [pointer, detail]);
  }
}

test('secrets may stand in variables and headers, and are shown by name', () => {
  expect(faultsOf(manifest({ ...stdio, env: { API_KEY: 'secret://x' } }))).toEqual([]);
  const given = manifest({ transport: 'streamable-http', url: 'https://x.test/', headers: { Authorization: 'Bearer secret://x' } });
  expect(faultsOf(given)).toEqual([]);
  expect(shownManifest(given as McpServerManifest)).toMatchObject({ spec: { headers: { Authorization: 'Bearer secret://x' } } });
});

test('both transports with all their fields fit', () => {
  const full = {
    ...stdio,
    env: { MEMORY_FILE_PATH: '${state}/memory.json' },
    cwd: '/srv',
    roots: ['/srv/data', { path: '/srv/out', access: 'write' }],
    network: true,
    containment: 'medium',
    startTimeoutMs: 1_000,
    callTimeoutMs: 240_000,
    restart: { initialMs: 100, maxMs: 1_000, crashesMax: 3, withinMs: 10_000 },
  };
  expect(faultsOf(manifest(full, { name: 'files', labels: { team: 'a' }, description: 'Files' }))).toEqual([]);
  expect(faultsOf(manifest({ transport: 'streamable-http', url: 'https://example.com/mcp', headers: { 'x-tenant': 'a' } }))).toEqual([]);
});

test.each([
  ['an unknown field', manifest({ ...stdio, comand: [] }), '/spec/comand', 'is not a known field'],
  ['a field of the other transport', manifest({ ...stdio, url: 'https://a' }), '/spec/url', 'is not a known field'],
  ['an unknown transport', manifest({ transport: 'sse', url: 'https://a' }), '/spec/transport', 'must be one of stdio, streamable-http'],
  ['no transport', manifest({ command: ['a'] }), '/spec/transport', 'is missing'],
  ['no command', manifest({ transport: 'stdio' }), '/spec/command', 'is missing'],
  ['an empty program', manifest({ transport: 'stdio', command: [''] }), '/spec/command/0', 'must name a program'],
  ['a wrong type', manifest({ ...stdio, command: 'node server.mjs' }), '/spec/command', 'must be array'],
  ['a NUL', manifest({ ...stdio, command: ['node', 'a\0b'] }), '/spec/command/1', 'must match ^[^\\u0000]*$'],
  ['a bad variable name', manifest({ ...stdio, env: { 'A-B': 'x' } }), '/spec/env/A-B', 'has a name that is not allowed here'],
  ['another kind', { ...(manifest(stdio) as object), kind: 'Agent' }, '/kind', 'must be McpServer'],
  ['another name', manifest(stdio, { name: 'other' }), '/metadata/name', 'must be files, the name in the address'],
  ['no URL', manifest({ transport: 'streamable-http', url: 'http://[' }), '/spec/url', 'is no URL'],
  [
    'a password in the URL',
    manifest({ transport: 'streamable-http', url: 'https://a:b@example.com' }),
    '/spec/url',
    'must not hold a user or password: send a header',
  ],
  [
    'A44 a shell',
    manifest({ ...stdio, command: ['sh', '-c', 'id'] }),
    '/spec/command',
    'is refused: sh is a shell: name the program itself, with its arguments',
  ],
  [
    'A44 NODE_OPTIONS',
    manifest({ ...stdio, env: { NODE_OPTIONS: '--require=/tmp/x' } }),
    '/spec/env/NODE_OPTIONS',
    'is refused: the environment variable NODE_OPTIONS can run code that the command does not name',
  ],
  [
    'a secret of no name',
    manifest({ ...stdio, env: { API_KEY: 'secret://X_Y' } }),
    '/spec/env/API_KEY',
    'must name a secret as `secret://NAME`: lower-case letters, digits and hyphens, at most 63',
  ],
  [
    'a secret in a command line',
    manifest({ ...stdio, command: ['node', '--token=secret://x'] }),
    '/spec/command/1',
    'must not name a secret: others can read a command line, use `env`',
  ],
  [
    'a secret in an address',
    manifest({ transport: 'streamable-http', url: 'https://x.test/?k=secret://x' }),
    '/spec/url',
    'must not name a secret: addresses are logged, send a header',
  ],
  ['no object', 'manifest', '', 'must be object'],
])('%s is told with its place', (_, value, pointer, detail) => {
  expect(faultsOf(value)).toContainEqual([pointer, detail]);
});

test('names that stand for something else among tools are not for servers', () => {
  expect(faultsOf(manifest(stdio, { name: 'agent' }), 'agent')).toEqual([['/metadata/name', expect.stringContaining('must not be agent')]]);
});

test('credentials are told to differ, never how, and other values are told', () => {
  const before = parseManifest('files', manifest({ ...stdio, env: { API_KEY: 'old', MODE: 'a' } }));
  const after = parseManifest('files', manifest({ ...stdio, env: { API_KEY: 'new', MODE: 'b', TOKEN: 'x' } }));
  expect(changesBetween(before, after)).toEqual([
    { path: 'spec.env.API_KEY', from: '(hidden)', to: '(hidden)' },
    { path: 'spec.env.MODE', from: 'a', to: 'b' },
    { path: 'spec.env.TOKEN', to: '(hidden)' },
  ]);
  expect(JSON.stringify(changesBetween({}, after))).not.toMatch(/new|"x"/);
  expect(shownManifest(after as McpServerManifest)).toMatchObject({
    spec: { command: ['node', 'server.mjs'], env: { API_KEY: '(hidden)', MODE: 'b' } },
  });
  const many = {
    ...after,
    spec: { ...after.spec, command: Array.from({ length: 300 }, (_, index) => String(index)) },
  } as McpServerManifest;
  expect(changesBetween({}, many).length).toBeLessThan(10);
  expect(changesBetween(after, many)).toHaveLength(1);
});
