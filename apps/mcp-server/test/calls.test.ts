import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { fixtureSpec, type McpServerService, startMcpServer, textOf } from './service.ts';

let mcp: McpServerService;
beforeAll(async () => {
  mcp = await startMcpServer();
  await mcp.apply('good', fixtureSpec('good'));
  await mcp.ready('good');
});
afterAll(() => mcp[Symbol.asyncDispose]());

test('a tool is called and its result comes as it is', async () => {
  await expect(mcp.call('good', 'echo', { text: 'hi' })).resolves.toEqual({ content: [{ type: 'text', text: 'hi' }], isError: false });
});

test('a tool that says that it failed gives a result, not a fault', async () => {
  await expect(mcp.call('good', 'fail')).resolves.toMatchObject({ isError: true, content: [{ text: 'it did not work' }] });
});

test('arguments are checked before the server sees them, each wrong place by its pointer', async () => {
  await expect(mcp.call('good', 'echo', {})).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/arguments/text', detail: 'is missing' }],
  });
  await expect(mcp.call('good', 'echo', { text: 7 })).rejects.toMatchObject({
    errors: [{ pointer: '/arguments/text', detail: 'must be string' }],
  });
  await expect(mcp.call('good', 'echo', { text: 'x'.repeat(200) })).rejects.toMatchObject({ code: 'invalid' });
});

test('A23 a schema that refers elsewhere is refused and nothing is fetched', async () => {
  await expect(mcp.call('good', 'bad-schema', { a: 1 })).rejects.toMatchObject({
    code: 'unavailable',
    detail: expect.stringContaining('it refers to https://example.com/schema.json'),
  });
});

test('A22 a pattern that would take for ever takes no time', async () => {
  const before = performance.now();
  await expect(mcp.call('good', 'pattern', { a: `${'a'.repeat(40)}!` })).rejects.toMatchObject({ code: 'invalid' });
  await expect(mcp.call('good', 'pattern', { a: 'aaa' })).resolves.toMatchObject({ isError: false });
  expect(performance.now() - before).toBeLessThan(1_000);
});

test('unknown tools and servers are told in the same words', async () => {
  await expect(mcp.call('good', 'nothing')).rejects.toMatchObject({ code: 'not_found', detail: 'there is no tool good/nothing' });
  await expect(mcp.call('nobody', 'echo')).rejects.toMatchObject({ code: 'not_found', detail: 'there is no tool nobody/echo' });
});

test('the server of another workspace is unknown', async () => {
  const other = { as: { workspace: '01900000-0000-7000-8000-00000000000b' } };
  await expect(mcp.call('good', 'echo', { text: 'hi' }, {}, other)).rejects.toMatchObject({ code: 'not_found' });
});

test('who may only read calls no tool', async () => {
  await expect(mcp.call('good', 'echo', { text: 'hi' }, {}, { as: { roles: ['viewer'] } })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(mcp.call('good', 'echo', { text: 'hi' }, {}, { as: { roles: ['agent'] } })).resolves.toMatchObject({ isError: false });
});

test('for a mirrored call only tools are called that say they read alone', async () => {
  const mirrored = (tool: string, args: Record<string, unknown>): Promise<unknown> =>
    inCall({ traceparent: childTraceparent(), isMirror: true }, () => mcp.call('good', tool, args));
  await expect(mirrored('echo', { text: 'hi' })).rejects.toMatchObject({
    code: 'forbidden',
    detail: 'a mirrored call changes nothing: good/echo does not say that it only reads',
  });
  await expect(mirrored('sleep', { ms: 1 })).resolves.toMatchObject({ isError: false });
});

test('F28 an answer that comes after its time is a timeout, in time, is cancelled upstream and harms nobody else', async () => {
  const before = performance.now();
  await expect(mcp.call('good', 'sleep', { ms: 700 }, { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'timeout',
    detail: 'good/sleep did not answer within 200 ms',
  });
  expect(performance.now() - before).toBeLessThan(600);
  await expect(mcp.call('good', 'echo', { text: 'still here' })).resolves.toMatchObject({ isError: false });
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(textOf(await mcp.call('good', 'cancelled'))).toMatch(/\d/);
  expect((await mcp.get('good')).status).toBe('ready');
});

test('who waits no more has the call cancelled upstream within milliseconds', async () => {
  const before = textOf(await mcp.call('good', 'cancelled')).split(' ').length;
  const controller = new AbortController();
  const calling = mcp.call('good', 'sleep', { ms: 5_000 }, {}, { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await expect(calling).rejects.toMatchObject({ code: 'cancelled' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(textOf(await mcp.call('good', 'cancelled')).split(' ').length).toBe(before + 1);
});

test('progress is told live under the id that the caller chose', async () => {
  const recorder = await mcp.service.record(toolProgressed);
  const progressId = randomUUID();
  await mcp.call('good', 'steps', { count: 3 }, { progressId });
  await recorder.next(({ progress }) => progress === 3);
  expect(recorder.heard.map(({ payload }) => payload)).toEqual(
    [1, 2, 3].map((progress) => ({ progressId, progress, total: 3, message: `step ${progress}` })),
  );
});

test('protocol errors of the server are told with their code', async () => {
  await expect(mcp.call('good', 'refuse', { code: -32602 })).rejects.toMatchObject({
    code: 'invalid',
    detail: expect.stringContaining('no, thank you'),
  });
  await expect(mcp.call('good', 'refuse', { code: -32601 })).rejects.toMatchObject({ code: 'not_found' });
  await expect(mcp.call('good', 'refuse', { code: -32000 })).rejects.toMatchObject({
    code: 'unavailable',
    detail: 'good refused refuse: no, thank you (JSON-RPC -32000)',
  });
});

test('a result that breaks the tool’s own promise is the server’s fault', async () => {
  await expect(mcp.call('good', 'promise', { keep: true })).resolves.toMatchObject({ structuredContent: { n: 1 } });
  await expect(mcp.call('good', 'promise')).rejects.toMatchObject({
    code: 'unavailable',
    detail: expect.stringContaining('/n must be number'),
  });
  await expect(mcp.call('good', 'no-content')).rejects.toMatchObject({
    code: 'unavailable',
    detail: expect.stringContaining('no list of content'),
  });
});

test('the server gets our trace and what the caller adds, but nothing that the protocol says there', async () => {
  const reply = await mcp.call(
    'good',
    'meta',
    {},
    { meta: { tenant: 'x', 'dev.signalbox/idempotency-key': 'k', progressToken: 9, 'io.modelcontextprotocol/protocolVersion': 'evil' } },
  );
  const meta = JSON.parse(textOf(reply)) as Record<string, unknown>;
  expect(meta).toMatchObject({ tenant: 'x', 'dev.signalbox/idempotency-key': 'k', traceparent: expect.stringMatching(/^00-/) });
  expect(Object.keys(meta).sort()).toEqual(['dev.signalbox/idempotency-key', 'tenant', 'traceparent']);
});

test('A28 nothing of our environment is the server’s', async () => {
  const env = JSON.parse(textOf(await mcp.call('good', 'env'))) as Record<string, string>;
  expect(
    Object.keys(env).filter(
      (name) => !['PATH', 'HOME', 'LANG', 'TZ', 'PWD', 'SIGNALBOX_CHILD', 'SIGNALBOX_SUPERVISOR', 'NODE_V8_COVERAGE'].includes(name),
    ),
  ).toEqual([]);
  expect(JSON.stringify(env)).not.toMatch(/postgres:|nats:|\.creds/);
});

test('hundreds of calls at once each get their own answer', async () => {
  const texts = Array.from({ length: 500 }, (_, index) => `call ${index}`);
  const replies = await Promise.all(texts.map((text) => mcp.call('good', 'echo', { text })));
  expect(replies.map(textOf)).toEqual(texts);
});
