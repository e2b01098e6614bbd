import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mcpServerChanged, toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { resolveSecret } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { secretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { startChild, type Child } from '@signalbox/supervisor/child.js';
import { fixtureSpec, type McpServerService, startMcpServer, textOf } from './service.ts';

const httpFixture = fileURLToPath(new URL('./fixtures/http-server.mjs', import.meta.url));
let mcp: McpServerService;
let secrets: Map<string, string>;
let returned: string[];
const peers: Child[] = [];

beforeAll(async () => {
  mcp = await startMcpServer();
  await mcp.service.answer(resolveSecret, ({ name }) => {
    const value = secrets.get(name);
    if (value === undefined) throw new Fault('not_found', `there is no secret ${name}`, 'Set it.');
    return { version: 1, value };
  });
  await mcp.service.answer(revokeGrant, ({ grant }) => {
    returned.push(grant);
    return { ended: true };
  });
}, 60_000);
beforeEach(() => {
  secrets = new Map([['token', 'canary-of-the-token-1']]);
  returned = [];
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.kill('the test is over')));
});
afterAll(() => mcp[Symbol.asyncDispose]());

/** Has the secret another value, and tells so as `security` does. */
async function change(name: string, value: string): Promise<void> {
  secrets.set(name, value);
  await mcp.service.publish(secretChanged, { name, version: 2, change: 'set' });
}

async function rows(): Promise<string> {
  const all = await mcp.service.database.sql<{ all: string }>(
    `SELECT concat((SELECT string_agg(s::text, ' ') FROM mcp_server s), (SELECT string_agg(t::text, ' ') FROM tool t),
       (SELECT string_agg(o::text, ' ') FROM outbox o)) AS all`,
  );
  return all[0]!.all;
}

describe('a secret of a process', () => {
  test('is in its environment, and is scrubbed from all that it says (A52)', async () => {
    await mcp.apply('env', fixtureSpec('good', [], { env: { API_TOKEN: 'secret://token', MODE: 'x' } }));
    await mcp.ready('env');
    const shown = textOf(await mcp.call('env', 'env'));
    expect(shown).toContain('[secret:token]');
    expect(textOf(await mcp.call('env', 'echo', { text: 'canary-of-the-token-1' }))).toBe('[secret:token]');
    const encoded = Buffer.from('me:canary-of-the-token-1').toString('base64');
    expect(textOf(await mcp.call('env', 'echo', { text: encoded }))).toMatch(/^bW.*\[secret:token\]/);
    const told = await mcp.service.record(toolProgressed);
    await mcp.call('env', 'steps', { count: 1, of: 'canary-of-the-token-1' }, { progressId: randomUUID() });
    expect((await told.next(() => true)).message).toBe('step 1 of [secret:token]');
    expect(JSON.stringify(await mcp.get('env'))).not.toContain('canary');
    expect((await mcp.get('env')).manifest).toMatchObject({ spec: { env: { API_TOKEN: 'secret://token' } } });
    expect(await rows()).not.toContain('canary');
  });

  test('that is changed restarts it with the new value, and others not', async () => {
    await mcp.apply('changing', fixtureSpec('good', [], { env: { API_TOKEN: 'prefix-secret://token' } }));
    await mcp.apply('beside', fixtureSpec('good'));
    const before = await mcp.ready('changing');
    const beside = await mcp.ready('beside');
    await change('token', 'canary-of-the-token-2');
    await mcp.until('changing', ({ status, startedAt }) => status === 'ready' && startedAt !== before.startedAt);
    expect(textOf(await mcp.call('changing', 'echo', { text: 'canary-of-the-token-2' }))).toBe('[secret:token]');
    expect((await mcp.get('beside')).startedAt).toBe(beside.startedAt);
  });

  test('that is missing is named, and the server starts once it is set', async () => {
    await mcp.apply('waiting', fixtureSpec('good', [], { env: { API_TOKEN: 'secret://not-yet' } }));
    const failed = await mcp.until('waiting', ({ status }) => status === 'failed');
    expect(failed.statusReason).toBe('there is no secret not-yet: set it with `signalbox secrets set not-yet`');
    await expect(mcp.call('waiting', 'echo', { text: 'x' })).rejects.toMatchObject({
      detail: expect.stringContaining('signalbox secrets set not-yet'),
    });
    await change('not-yet', 'canary-at-last');
    await mcp.ready('waiting');
  });

  test('is not told by the last words of a process that ends', async () => {
    const heard = await mcp.service.record(mcpServerChanged);
    const code = 'process.stderr.write(`cannot log in with ${process.env.API_TOKEN}\\n`); process.exit(1)';
    await mcp.apply('dying', {
      transport: 'stdio',
      command: ['node', await script(code)],
      env: { API_TOKEN: 'secret://token' },
      restart: { initialMs: 20, maxMs: 50, crashesMax: 2 },
    });
    const failed = await mcp.until('dying', ({ status }) => status === 'failed');
    expect(failed.statusReason).toContain('cannot log in with [secret:token]');
    expect(failed.stderr.join('\n')).toContain('[secret:token]');
    expect(JSON.stringify([failed, heard.heard])).not.toContain('canary');
    expect(await rows()).not.toContain('canary');
  });
});

/** A program of the test's own; code on a command line is refused. */
async function script(code: string): Promise<string> {
  const path = join(mcp.folder, 'dying.mjs');
  await writeFile(path, code);
  return path;
}

test('a secret in a header reaches the server, and is scrubbed from what it echoes (A52)', async () => {
  const child = await startChild({
    command: [process.execPath, httpFixture, 'modern', '0'],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {},
  });
  peers.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const url = `http://127.0.0.1:${Number(chunk.toString())}/mcp`;
  const headers = { Authorization: 'Bearer secret://token', 'X-Api-Key': 'literal-canary', 'X-Tenant': 'blue-tenant' };
  await mcp.apply('http', { transport: 'streamable-http', url, headers });
  await mcp.ready('http');
  const seen = JSON.parse(textOf(await mcp.call('http', 'headers'))) as Record<string, string>;
  expect(seen).toMatchObject({
    authorization: 'Bearer [secret:token]',
    'x-api-key': '[secret:header x-api-key]',
    'x-tenant': 'blue-tenant',
  });
  await change('token', 'with\na line break');
  const failed = await mcp.until('http', ({ status }) => status === 'failed');
  expect(failed.statusReason).toBe('the secret in the header Authorization has characters that no header can hold');
});

describe('who may give a server secrets', () => {
  const withSecret = fixtureSpec('good', [], { env: { API_TOKEN: 'secret://token' } });

  test('is an administrator, in each transport', async () => {
    const operator = { as: { roles: ['operator' as const] } };
    const http = { transport: 'streamable-http', url: 'https://x.test/', headers: { 'x-key': 'secret://token' } };
    await expect(mcp.apply('theirs', http, operator)).rejects.toMatchObject({
      code: 'forbidden',
      detail: expect.stringContaining('secrets:use'),
    });
    const commander = { as: { roles: ['admin' as const], scopes: ['mcp-servers:*', 'commands:write'] } };
    await expect(mcp.apply('theirs', withSecret, commander)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('grants are given back when another takes their place, and with the server', async () => {
    await mcp.apply('granted', withSecret);
    const grants = () => mcp.service.database.sql<{ bearer: string | null }>(`SELECT bearer FROM mcp_server WHERE name = 'granted'`);
    const [first] = await grants();
    expect(first!.bearer).not.toBeNull();
    await mcp.apply('granted', withSecret);
    expect(returned).toEqual([first!.bearer]);
    await mcp.apply('granted', fixtureSpec('good'));
    expect(returned).toHaveLength(2);
    expect(await grants()).toEqual([{ bearer: null }]);
    await expect(mcp.apply('granted', { ...withSecret, unknown: 1 })).rejects.toMatchObject({ code: 'invalid' });
    expect(returned).toHaveLength(2);
  });
});

test('a server goes on with its secrets after a restart of the service', async () => {
  await mcp.apply('lasting', fixtureSpec('good', [], { env: { API_TOKEN: 'secret://token' } }));
  await mcp.ready('lasting');
  await mcp.service.stop();
  await mcp.service.start();
  await mcp.ready('lasting');
  expect(textOf(await mcp.call('lasting', 'env'))).toContain('[secret:token]');
}, 60_000);
