import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { page, RestDouble } from './rest-double.ts';
import { signalbox as run } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

let rest: RestDouble;
let folder: string;

beforeEach(async () => {
  rest = await RestDouble.start();
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
});
afterEach(async () => {
  await rest.stop();
  await rm(folder, { recursive: true });
});

function signalbox(...args: string[]): Promise<Printed> {
  return run(args, { env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test' } });
}

const entry = {
  id: 'audit_1',
  seq: 7,
  at: '2026-11-24T11:00:00.000Z',
  service: 'registry',
  principal: 'user_1',
  name: 'admin',
  action: 'agent.apply',
  target: 'agent analyst',
  outcome: 'allowed',
  hash: 'ab'.repeat(32),
};
const key = {
  id: 'key_1',
  name: 'ci',
  principal: 'sa_1',
  principalName: 'deployer',
  roles: ['operator'],
  scopes: ['runs:read'],
  createdAt: '2026-11-24T11:00:00Z',
  createdBy: 'user_1',
  expiresAt: null,
  lastUsedAt: '2026-11-24T11:58:00Z',
  revokedAt: null,
};

test('the audit is a table, asked for by its filters', async () => {
  rest.on('GET /audit', page([entry, { ...entry, name: '', outcome: 'denied' }]));
  expect((await signalbox('audit', 'list', '--action', 'agent.*', '--outcome', 'denied', '--since', '2026-11-01', '--q', 'x')).out).toBe(
    [
      'WHEN                      WHO     ACTION       OUTCOME  TARGET',
      '2026-11-24T11:00:00.000Z  admin   agent.apply  allowed  agent analyst',
      '2026-11-24T11:00:00.000Z  user_1  agent.apply  denied   agent analyst',
      '',
    ].join('\n'),
  );
  expect(rest.seen.at(-1)?.query).toMatchObject({ action: 'agent.*', outcome: 'denied', since: '2026-11-01', q: 'x' });
  rest.on('GET /audit', page([]));
  expect((await signalbox('audit', 'list')).out).toBe('No entries.\n');
});

test('an audit that is whole says its head; one that is not ends with 1 and says where', async () => {
  rest.on('GET /audit/verification', { intact: true, entries: 1, checkpoints: 2, head: 'ff' });
  expect(await signalbox('audit', 'verify')).toMatchObject({
    exit: 0,
    out: expect.stringContaining('intact: 1 entry, compared with 2 checkpoints outside the database\nhead ff') as unknown,
  });
  rest.on('GET /audit/verification', { intact: true, entries: 0, checkpoints: 0, head: '' });
  expect((await signalbox('audit', 'verify')).out).toBe('intact: 0 entries, compared with 0 checkpoints outside the database\n');
  rest.on('GET /audit/verification', { intact: false, entries: 9, checkpoints: 1, head: 'ff', brokenAt: 5, because: 'it was altered' });
  const broken = await signalbox('audit', 'verify');
  expect(broken.exit).toBe(1);
  expect(broken.err).toContain('the audit is broken at entry 5: it was altered');
  expect(JSON.parse((await signalbox('audit', 'verify', '--json')).out)).toMatchObject({ intact: false, brokenAt: 5 });
});

test('an export has every page, one document a line, in a file of one’s own that is never overwritten', async () => {
  rest.on('GET /audit', ({ query }) => (query['cursor'] === 'next' ? page([{ ...entry, seq: 6 }]) : page([entry], 'next')));
  const file = join(folder, 'audit.jsonl');
  const { exit, err } = await signalbox('audit', 'export', '-o', file);
  expect([exit, err]).toEqual([0, `2 entries written to ${file}\n`]);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([7, 6]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await signalbox('audit', 'export', '-o', file)).toMatchObject({ exit: 1, err: expect.stringContaining('EEXIST') as unknown });
  expect((await signalbox('audit', 'export')).out.trim().split('\n')).toHaveLength(2);
});

test('keys are a table with their last use and state', async () => {
  rest.on(
    'GET /keys',
    page([
      key,
      { ...key, id: 'key_2', scopes: [], lastUsedAt: null, expiresAt: '2026-11-24T11:30:00Z' },
      { ...key, id: 'key_3', expiresAt: '2027-01-01T00:00:00Z' },
      { ...key, id: 'key_4', revokedAt: '2026-11-24T11:30:00Z' },
    ]),
  );
  const { out } = await signalbox('keys', 'list', '--state', 'live', '--principal', 'sa_1');
  expect(rest.seen.at(-1)?.query).toMatchObject({ state: 'live', principal: 'sa_1' });
  const rows = out.split('\n').map((line) => line.split(/ {2,}/));
  expect(rows[1]).toEqual(['key_1', 'ci', 'deployer', 'operator', 'runs:read', '2 min ago', 'live']);
  expect(rows[2]).toEqual(['key_2', 'ci', 'deployer', 'operator', 'all of its roles', 'never', 'expired']);
  expect(rows[3]?.at(-1)).toBe('live until 2027-01-01T00:00:00Z');
  expect(rows[4]?.at(-1)).toBe('revoked');
  rest.on('GET /keys', page([]));
  expect((await signalbox('keys', 'list')).out).toBe('No keys.\n');
});

test('a new key alone goes to standard output, and what is known of it beside', async () => {
  rest.on('POST /keys', { ...key, key: 'sbx_the_key', expiresAt: '2026-11-25T12:00:00Z' });
  const made = await signalbox(
    'keys',
    'create',
    'ci',
    '--role',
    'operator',
    '--scope',
    'runs:read',
    '--scope',
    'tools:*',
    '--expires',
    '1d',
  );
  expect(made.out).toBe('sbx_the_key\n');
  expect(made.err).toContain('key_1 speaks for deployer until 2026-11-25T12:00:00Z; it is shown this once');
  expect(rest.seen.at(-1)?.body).toEqual({ name: 'ci', roles: ['operator'], scopes: ['runs:read', 'tools:*'], expiresInS: 86_400 });
});

test.each([
  [['keys', 'create', 'ci', '--role', 'king'], 'It must be one of admin, operator, viewer, agent.'],
  [['keys', 'create', 'ci', '--expires', 'soon'], 'Say it as 90s, 30m, 12h or 7d.'],
])('%p is refused before anything is asked', async (args, because) => {
  const { exit, err } = await signalbox(...args);
  expect([exit, err]).toEqual([2, expect.stringContaining(because)]);
  expect(rest.seen).toEqual([]);
});

test('a key is revoked', async () => {
  rest.on('DELETE /keys/key_1', { ...key, revokedAt: '2026-11-24T12:00:00Z' });
  expect((await signalbox('keys', 'revoke', 'key_1', '--with-grants')).out).toBe('key_1 is revoked\n');
  expect(rest.seen.at(-1)?.query).toEqual({ withGrants: 'true' });
});

const secret = {
  name: 'token',
  description: 'of the forge',
  version: 3,
  createdAt: '2026-11-24T11:00:00Z',
  createdBy: 'user_1',
  updatedAt: '2026-11-24T11:58:00Z',
  updatedBy: 'user_1',
  lastUsedAt: null,
};

function secrets(args: string[], surroundings: Surroundings = {}): Promise<Printed> {
  const env = { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test', TOKEN: 'a canary value' };
  return run(['secrets', ...args], { env, cwd: folder, ...surroundings });
}

test('secrets are a table without values', async () => {
  rest.on('GET /secrets', page([secret, { ...secret, name: 'other', lastUsedAt: '2026-11-24T11:00:00Z' }]));
  const rows = (await secrets(['list', '--q', 'o'])).out.split('\n').map((row) => row.trim().split(/ {2,}/));
  expect(rest.seen.at(-1)?.query).toMatchObject({ q: 'o' });
  expect(rows[0]).toEqual(['NAME', 'VERSION', 'UPDATED', 'BY', 'LAST USED', 'DESCRIPTION']);
  expect(rows[1]).toEqual(['token', '3', '2 min ago', 'user_1', 'never', 'of the forge']);
  expect(rows[2]?.[4]).toMatch(/ago$/);
  rest.on('GET /secrets', page([]));
  expect((await secrets(['list'])).out).toBe('No secrets.\n');
});

test.each<[string, string[], Surroundings]>([
  ['standard input', ['set', 'token'], { stdin: 'a canary value\n' }],
  ['a file', ['set', 'token', '--from-file', 'value.txt'], {}],
  ['the environment', ['set', 'token', '--from-env', 'TOKEN'], {}],
  ['the keyboard, unseen', ['set', 'token'], { typed: 'a canary value' }],
])('a secret is set from %s, and not shown', async (_, args, surroundings) => {
  await writeFile(join(folder, 'value.txt'), 'a canary value\r\n');
  rest.on('PUT /secrets/token', secret);
  const { exit, out, err } = await secrets([...args, '--description', 'of the forge'], surroundings);
  expect([exit, err]).toEqual([0, '']);
  expect(out).toContain('token is set (version 3); manifests name it as secret://token');
  expect(out).not.toContain('canary');
  expect(rest.seen.at(-1)?.body).toEqual({ value: 'a canary value', description: 'of the forge' });
});

test.each<[string[], Surroundings, string]>([
  [['set', 'token', 'a canary value'], {}, 'a value is never given on the command line'],
  [['set', 'token', '--from-env', 'NONE'], {}, 'there is no variable NONE'],
  [['set', 'token', '--from-env', 'TOKEN', '--from-file', 'x'], {}, 'exclude each other'],
  [['set', 'token', '--from-file', 'none.txt'], {}, 'cannot read none.txt'],
  [['set', 'token'], { stdin: '\n' }, 'the value is empty'],
  [['rm', 'token'], {}, 'there is no terminal to ask on'],
])('%j is refused before anything is asked', async (args, surroundings, because) => {
  const { exit, err, out } = await secrets(args, surroundings);
  expect([exit, err]).toEqual([2, expect.stringContaining(because)]);
  expect(out + err).not.toContain('canary');
  expect(rest.seen).toEqual([]);
});

test('a secret is removed once that was agreed to, and all are sealed anew', async () => {
  rest.on('DELETE /secrets/token', { name: 'token' });
  expect(await secrets(['rm', 'token'], { answer: 'n' })).toMatchObject({ exit: 1 });
  expect(rest.seen).toEqual([]);
  expect((await secrets(['rm', 'token'], { answer: 'y' })).out).toContain('token is removed');
  expect((await secrets(['rm', 'token', '--yes'])).out).toBe('token is removed\n');
  rest.on('POST /secrets/rotation', { version: 2, secrets: 7 });
  expect((await secrets(['rotate'])).out).toBe('sealed anew: 7 with data key 2\n');
});
