import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { mcpServerChanged, toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { startChild, type Child } from '@signalbox/supervisor/child.js';
import { type McpServerService, startMcpServer, textOf } from './service.ts';

const fixture = fileURLToPath(new URL('./fixtures/http-server.mjs', import.meta.url));
const quick = { restart: { initialMs: 20, maxMs: 200 } };
let mcp: McpServerService;
const peers: Child[] = [];
beforeAll(async () => {
  mcp = await startMcpServer();
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.kill('the test is over')));
});
afterAll(() => mcp[Symbol.asyncDispose]());

async function peer(era: string, port = 0): Promise<{ port: number; url: string; child: Child }> {
  const child = await startChild({
    command: [process.execPath, fixture, era, String(port)],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {},
  });
  peers.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const listening = Number(chunk.toString());
  return { port: listening, url: `http://127.0.0.1:${listening}/mcp`, child };
}

describe.each(['legacy', 'modern'])('a server of the %s era over streamable HTTP', (era) => {
  test('is called, tells progress, is cancelled, and tells of new tools', async () => {
    const name = `http-${era}`;
    const { url } = await peer(era);
    const heard = await mcp.service.record(mcpServerChanged);
    const progressed = await mcp.service.record(toolProgressed);
    await mcp.apply(name, { transport: 'streamable-http', url, headers: { 'x-tenant': 'blue' }, ...quick });
    const ready = await mcp.ready(name);
    expect(ready).toMatchObject({
      tools: 5,
      serverInfo: { name: `http-${era}`, protocolVersion: era === 'modern' ? '2026-07-28' : '2025-11-25' },
    });
    expect(ready.containment).toBeUndefined();
    expect(textOf(await mcp.call(name, 'echo', { text: 'hi' }))).toBe('hi');

    const progressId = randomUUID();
    const before = performance.now();
    await expect(mcp.call(name, 'sleep', {}, { timeoutMs: 400, progressId })).rejects.toMatchObject({ code: 'timeout' });
    expect(performance.now() - before).toBeLessThan(1_500);
    await progressed.next((payload) => payload.progressId === progressId && payload.progress > 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const seen = JSON.parse(textOf(await mcp.call(name, 'headers'))) as Record<string, unknown>;
    expect(seen).toMatchObject({ 'x-tenant': 'blue', cancelled: ['sleep'] });
    expect(JSON.stringify(seen)).not.toContain('eyJ');

    await mcp.call(name, 'add-tool');
    await heard.next((payload) => payload.name === name && payload.added?.[0] === 'extra');
    await expect(mcp.call(name, 'extra', { text: 'x' })).resolves.toMatchObject({ isError: false });
  });

  test('that is restarted is found again by the next call', async () => {
    const name = `restarted-${era}`;
    const first = await peer(era);
    await mcp.apply(name, { transport: 'streamable-http', url: first.url, ...quick });
    await mcp.ready(name);
    await first.child.kill('restart');
    await expect(mcp.call(name, 'echo', { text: 'nobody' })).rejects.toMatchObject({ code: 'unavailable' });
    await peer(era, first.port);
    await mcp.ready(name);
    await expect(mcp.call(name, 'echo', { text: 'back' })).resolves.toMatchObject({ isError: false });
  });
});

test('a session that the server forgot is opened anew within the same call', async () => {
  const { url, child } = await peer('legacy');
  await mcp.apply('forgetful', { transport: 'streamable-http', url, ...quick });
  await mcp.ready('forgetful');
  process.kill(child.pid, 'SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(mcp.call('forgetful', 'echo', { text: 'x' })).resolves.toMatchObject({ isError: false });
});

test('a 401 is a login that is missing, not an illness, and its tools stay', async () => {
  const { url } = await peer('locked');
  await mcp.apply('locked', { transport: 'streamable-http', url, headers: { authorization: 'Bearer wrong' }, ...quick });
  const locked = await mcp.until('locked', ({ statusReason }) => statusReason !== undefined);
  expect(locked).toMatchObject({ status: 'degraded', statusReason: expect.stringMatching(/^needs login: it answered 401/), restarts: 0 });
  expect(locked.manifest).toMatchObject({ spec: { headers: { authorization: '(hidden)' } } });
  await expect(mcp.call('locked', 'echo')).rejects.toMatchObject({ code: 'unavailable', detail: expect.stringContaining('needs login') });
  await mcp.apply('locked', { transport: 'streamable-http', url, headers: { authorization: 'Bearer right' }, ...quick });
  await mcp.ready('locked');
  const relocked = await mcp.apply('locked', { transport: 'streamable-http', url, headers: { authorization: 'Bearer stale' }, ...quick });
  expect(relocked.changes).toEqual([{ path: 'spec.headers.authorization', from: '(hidden)', to: '(hidden)' }]);
  expect((await mcp.until('locked', ({ status }) => status === 'degraded')).tools).toBe(5);
});

test('an address without an MCP server is given up, one that nobody answers at is tried again', async () => {
  const { url } = await peer('absent');
  await mcp.apply('absent', { transport: 'streamable-http', url, ...quick });
  expect((await mcp.until('absent', ({ status }) => status === 'failed')).statusReason).toBe('it answered HTTP 404');
  await mcp.apply('away', { transport: 'streamable-http', url: 'http://127.0.0.1:9/mcp', ...quick });
  const away = await mcp.until('away', ({ restarts }) => restarts > 2);
  expect(away).toMatchObject({ status: 'starting', nextAttemptAt: expect.any(String) });
});

test.each([['http://169.254.169.254/latest'], ['http://[::ffff:10.0.0.1]/mcp'], ['http://2130706434/mcp'], ['http://168.63.129.16/mcp']])(
  'A48 the internal address %s is not called',
  async (url) => {
    const name = `internal-${Buffer.from(url).toString('hex').slice(-20)}`;
    await mcp.apply(name, { transport: 'streamable-http', url, ...quick });
    expect((await mcp.until(name, ({ status }) => status === 'failed')).statusReason).toBe(
      'the URL leads to an address that is not public',
    );
  },
);

test('A48 a redirect to an internal address is not followed', async () => {
  const { url } = await peer('redirect');
  await mcp.apply('redirected', { transport: 'streamable-http', url, startTimeoutMs: 2_000, ...quick });
  const server = await mcp.until('redirected', ({ statusReason }) => statusReason !== undefined);
  expect(server.status).not.toBe('ready');
  expect(JSON.stringify(server)).not.toContain('169.254');
});
