import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError, ConnectionError, errorOf, retryAfterMs } from '../src/client/api-error.ts';
import { SignalboxClient } from '../src/client/client.ts';
import { parseEvents } from '../src/client/event-stream.ts';
import type { Manifest } from '../src/client/schema.ts';
import { hasEnded } from '../src/client/runs.ts';
import { textOf } from '../src/client/tools.ts';
import { backoffMs, sleep } from '../src/client/transport.ts';
import { page, problem, Reply, RestDouble, sse } from './rest-double.ts';

let rest: RestDouble;
let client: SignalboxClient;

beforeEach(async () => {
  rest = await RestDouble.start();
  client = new SignalboxClient({ url: `${rest.url}/`, apiKey: 'sbx_test', headers: { 'x-extra': 'yes' } });
});

afterEach(() => rest.stop());

test('a request carries the key, the extra headers and its query', async () => {
  rest.on('GET /agents', page([{ name: 'a' }]));
  await client.agents.list({ kind: 'worker', label: ['a=1', 'b=2'], q: undefined, limit: 2 }).first();
  const [seen] = rest.seen;
  expect(seen?.headers).toMatchObject({ authorization: 'Bearer sbx_test', 'x-extra': 'yes', accept: 'application/json' });
  expect(seen?.query).toEqual({ kind: 'worker', label: 'b=2', limit: '2' });
});

test('a key may be given by a function, asked before each request, or be absent', async () => {
  rest.on('GET /whoami', { name: 'ana' });
  let n = 0;
  const rotating = new SignalboxClient({ url: rest.url, apiKey: () => Promise.resolve(`sbx_${++n}`) });
  await rotating.system.whoami();
  await rotating.system.whoami();
  await new SignalboxClient({ url: rest.url }).system.whoami();
  expect(rest.seen.map((one) => one.headers.authorization)).toEqual(['Bearer sbx_1', 'Bearer sbx_2', undefined]);
});

test('a list is walked over all its pages, and no further than wanted', async () => {
  rest.on('GET /runs', ({ query }) => (query['cursor'] === 'two' ? page([{ id: 3 }]) : page([{ id: 1 }, { id: 2 }], 'two')));
  const ids = async (max?: number): Promise<unknown[]> => {
    const all: unknown[] = [];
    const list = client.runs.list({ status: 'running', limit: 2 });
    if (max !== undefined) return (await list.take(max)).map((run) => run.id);
    for await (const run of list) all.push(run.id);
    return all;
  };
  expect(await ids()).toEqual([1, 2, 3]);
  expect(rest.seen[1]?.query).toEqual({ status: 'running', limit: '2', cursor: 'two' });
  expect(await ids(2)).toEqual([1, 2]);
  expect(await ids(0)).toEqual([]);
  expect(await ids(9)).toEqual([1, 2, 3]);
  expect(rest.seen).toHaveLength(5);
});

test('every resource asks at its address', async () => {
  const one = {};
  const manifest = (kind: string): Manifest<never> => ({
    apiVersion: 'signalbox.dev/v1',
    kind,
    metadata: { name: 'x y' },
    spec: {} as never,
  });
  for (const route of ['GET /agents/a', 'PUT /agents/x%20y', 'POST /agents/a/invoke', 'GET /mcp-servers/s', 'PUT /mcp-servers/x%20y'])
    rest.on(route, one);
  for (const route of ['POST /mcp-servers/s/restart', 'GET /workflows/w', 'PUT /workflows/x%20y', 'POST /workflows/w/runs'])
    rest.on(route, one);
  for (const route of [
    'GET /runs/r',
    'GET /runs/r/steps/a%5B3%5D',
    'GET /runs/r/why',
    'GET /runs/r/state',
    'GET /runs/r/compare/o',
    'GET /runs/r/steps/a%5B3%5D/why',
    'POST /runs/r/cancel',
    'GET /approvals',
    'GET /approvals/p',
    'POST /approvals/p/answer',
    'POST /runs/r/fork',
    'POST /run-operations',
    'GET /run-operations/o',
    'POST /run-operations/o/cancel',
    'POST /runs/r/signals/go%20on',
    'POST /runs/r/steps/a%5B3%5D/resolve',
    'GET /deployments/d',
    'PUT /deployments/x%20y',
  ])
    rest.on(route, one);
  for (const route of [
    'POST /deployments/d/start',
    'POST /deployments/d/stop',
    'GET /deployments/d/board',
    'GET /deployments/d/drift',
    'GET /agents/a/scale',
    'POST /deployments/d/repair',
  ])
    rest.on(route, one);
  for (const route of ['PUT /deployments/d/agents/a/steps/s', 'GET /artifacts/f', 'POST /artifacts', 'GET /state/ws/k', 'PUT /state/ws/k'])
    rest.on(route, one);
  for (const route of ['DELETE /agents/a', 'DELETE /mcp-servers/s', 'DELETE /workflows/w', 'DELETE /deployments/d'])
    rest.on(route, () => undefined);
  for (const route of [
    '/agents',
    '/agents/a/versions',
    '/instances',
    '/mcp-servers',
    '/tools',
    '/workflows',
    '/runs/r/events',
    '/runs/r/steps',
    '/deployments',
    '/artifacts',
  ]) {
    rest.on(`GET ${route}`, page([]));
  }
  rest
    .on('GET /system/services', page([{ name: 'registry' }]))
    .on('POST /tools/s/t/call', one)
    .on('GET /artifacts/f/content', new Reply(200, 'text'));
  await client.agents.get('a');
  await client.agents.apply(manifest('Agent'), { dryRun: true });
  await client.agents.remove('a');
  await client.agents.versions('a').first();
  await client.agents.list().first();
  await client.agents.invoke('a', { skill: 's', input: 1, waitMs: 5 });
  await client.agents.invoke('a');
  await client.instances.list({ agent: 'a' }).first();
  await client.mcpServers.list().first();
  await client.mcpServers.get('s');
  await client.mcpServers.apply(manifest('McpServer'));
  await client.mcpServers.remove('s');
  await client.mcpServers.restart('s');
  await client.tools.list().first();
  await client.tools.call('s', 't', { a: 1 });
  await client.workflows.list().first();
  await client.workflows.get('w');
  await client.workflows.apply(manifest('Workflow'));
  await client.workflows.remove('w');
  await client.workflows.start('w', { input: { n: 1 } }, { idempotencyKey: 'mine' });
  expect(rest.seen.at(-1)).toMatchObject({ body: { input: { n: 1 } }, query: {} });
  await client.workflows.start('w', { input: 1, waitMs: 5 });
  expect(rest.seen.at(-1)).toMatchObject({ body: { input: 1 }, query: { waitMs: '5' } });
  await client.runs.get('r');
  await client.runs.steps('r').first();
  await client.runs.step('r', 'a[3]');
  await client.runs.why('r');
  await client.runs.state('r', 3);
  expect(rest.seen.at(-1)?.query).toEqual({ seq: '3' });
  await client.runs.compare('r', 'o', { limit: 5 });
  await client.runs.why('r', 'a[3]');
  await client.runs.cancel('r');
  await client.approvals.list({ status: ['open', 'rejected'], mine: true, run: 'r' }).first();
  await client.approvals.get('p');
  await client.approvals.answer('p', { approved: false, data: { n: 1 }, comment: 'no' }, { idempotencyKey: 'mine' });
  await client.runOperations.preview({ action: 'cancel', filter: { status: 'failed', labels: ['a=b=c'], workflow: 'w' } });
  expect(rest.seen.at(-1)?.body).toEqual({
    action: 'cancel',
    filter: { status: ['failed'], labels: { a: 'b=c' }, workflow: 'w' },
    dryRun: true,
  });
  await client.runOperations.start({ action: 'retry', ids: ['r'] });
  expect(rest.seen.at(-1)?.body).toEqual({ action: 'retry', ids: ['r'] });
  await client.runOperations.get('o');
  await client.runOperations.cancel('o');
  await client.runs.fork('r', { from: ['a'] }, { idempotencyKey: 'mine' });
  await client.runs.signal('r', 'go on', { by: 'ann' }, { idempotencyKey: 'mine' });
  await client.runs.resolve('r', 'a[3]', { action: 'output', output: 1 }, { idempotencyKey: 'mine' });
  await client.runs.eventPage('r', { limit: 5 });
  await client.deployments.list().first();
  await client.deployments.get('d');
  await client.deployments.apply(manifest('Deployment'));
  await client.deployments.remove('d');
  await client.deployments.start('d', { dryRun: true });
  await client.deployments.stop('d');
  await client.deployments.drift('d');
  await client.agents.scale('a');
  await client.deployments.repair('d', { dryRun: true });
  await client.deployments.board('d');
  await client.deployments.report({ deployment: 'd', agent: 'a', step: 's', state: 'done' });
  await client.artifacts.list({ run: 'r' }).first();
  await client.artifacts.get('f');
  expect(await client.artifacts.text('f')).toBe('text');
  await client.artifacts.create({ name: 'n.md', mediaType: 'text/markdown', content: '# hello', run: 'r' });
  await client.state.get('ws', 'k', { version: 2 });
  await client.state.put('ws', 'k', { a: 1 }, 3);
  await client.state.put('ws', 'k', null);
  expect(await client.system.services()).toEqual([{ name: 'registry' }]);
  const put = rest.calls('PUT /state/ws/k');
  expect(put.map((seen) => [seen.headers['if-match'], seen.body])).toEqual([
    ['"3"', { value: { a: 1 } }],
    [undefined, { value: null }],
  ]);
  expect(rest.calls('POST /artifacts')[0]).toMatchObject({
    raw: '# hello',
    query: { name: 'n.md', run: 'r' },
    headers: { 'content-type': 'text/markdown' },
  });
  expect(rest.calls('POST /workflows/w/runs')[0]?.headers['idempotency-key']).toBe('mine');
  expect(rest.calls('POST /agents/a/invoke')[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f]{32}$/);
  expect(rest.calls('POST /tools/s/t/call')[0]?.headers['idempotency-key']).toBeUndefined();
  expect(rest.calls('PUT /agents/x%20y')[0]).toMatchObject({ query: { dryRun: 'true' }, body: manifest('Agent') });
});

test('the other resources ask at theirs', async () => {
  const one = { data: [] };
  for (const route of [
    'POST /threads',
    'GET /threads/t',
    'POST /threads/t/messages',
    'POST /principals',
    'GET /principals/p',
    'PATCH /principals/p',
  ])
    rest.on(route, one);
  for (const route of [
    'DELETE /principals/p',
    'POST /keys',
    'DELETE /keys/k',
    'GET /audit/verification',
    'DELETE /state/ws/k',
    'DELETE /artifacts/f',
  ])
    rest.on(route, one);
  for (const route of ['GET /models', 'GET /state/ws/k/versions', 'GET /schemas/Agent', 'GET /tools/s/t']) rest.on(route, one);
  for (const route of ['/threads', '/threads/t/messages', '/principals', '/keys', '/audit', '/breakers', '/workspaces', '/state/ws'])
    rest.on(`GET ${route}`, page([]));
  rest.on('DELETE /threads/t', () => undefined);
  await client.threads.list().first();
  await client.threads.get('t');
  await client.threads.create();
  await client.threads.messages('t', { order: 'desc' }).first();
  await client.threads.append('t', { role: 'user', content: 'hello' });
  await client.threads.remove('t');
  await client.principals.list({ kind: 'user' }).first();
  await client.principals.get('p');
  await client.principals.create({ kind: 'user', name: 'ana', roles: ['viewer'] });
  await client.principals.update('p', { disabled: false });
  await client.principals.disable('p');
  await client.keys.list({ state: 'live' }).first();
  await client.keys.create({ name: 'ci', scopes: ['runs:read'] });
  await client.keys.revoke('k', { withGrants: true });
  await client.keys.revoke('k');
  await client.audit.list({ outcome: 'denied' }).first();
  await client.audit.verify();
  await client.breakers.list({ state: 'open' }).first();
  await client.workspaces.list().first();
  await client.state.list('ws').first();
  await client.state.remove('ws', 'k', 2);
  await client.artifacts.remove('f');
  await client.system.schema('Agent');
  await client.tools.get('s', 't');
  expect(await client.models.list()).toEqual([]);
  expect(await client.state.versions('ws', 'k')).toEqual([]);
  expect(rest.calls('POST /keys')[0]?.headers['idempotency-key']).toBeUndefined();
  expect(rest.calls('DELETE /keys/k').map((seen) => seen.query)).toEqual([{ withGrants: 'true' }, {}]);
});

test('a problem document becomes a typed error', async () => {
  rest.on(
    'GET /agents/a',
    problem(400, 'invalid', 'the name is wrong', { next: 'Correct it.', errors: [{ pointer: '/name', detail: 'too long' }] }),
  );
  const error = await client.agents.get('a').catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    status: 400,
    code: 'invalid',
    message: 'the name is wrong',
    next: 'Correct it.',
    errors: [{ pointer: '/name' }],
  });
});

test('an answer without a problem document is an error by its status', async () => {
  const codes: Record<number, string> = {};
  for (const status of [400, 401, 403, 404, 409, 412, 413, 418, 428, 429, 500, 502, 504]) {
    codes[status] = (await errorOf(new Response('<html>', { status }))).code;
  }
  expect(codes).toEqual({
    400: 'invalid',
    401: 'unauthenticated',
    403: 'forbidden',
    404: 'not_found',
    409: 'conflict',
    412: 'conflict',
    413: 'invalid',
    418: 'internal',
    428: 'conflict',
    429: 'limited',
    500: 'internal',
    502: 'unavailable',
    504: 'timeout',
  });
  expect((await errorOf(new Response('7', { status: 503, statusText: 'Busy' }))).message).toBe('the server answered 503');
  expect((await errorOf(new Response('x', { status: 503, statusText: 'Busy' }))).message).toBe('503 Busy');
});

test('Retry-After holds seconds or a date', () => {
  expect(retryAfterMs('2', 0)).toBe(2_000);
  expect(retryAfterMs('Thu, 01 Jan 1970 00:00:05 GMT', 1_000)).toBe(4_000);
  expect(retryAfterMs('soon', 0)).toBeUndefined();
  expect(retryAfterMs(' ', 0)).toBeUndefined();
});

test('what may be repeated is tried again, with the same idempotency key', async () => {
  let n = 0;
  const flaky = (): unknown =>
    ++n % 3 === 0
      ? { id: 'run_1' }
      : n % 3 === 1
        ? problem(503, 'unavailable', 'starting', {}, { 'retry-after': '0' })
        : new Reply(502, 'bad gateway');
  rest.on('POST /workflows/w/runs', flaky).on('GET /runs/r', flaky);
  await expect(client.workflows.start('w')).resolves.toEqual({ id: 'run_1' });
  await expect(client.runs.get('r')).resolves.toEqual({ id: 'run_1' });
  const keys = new Set(rest.calls('POST /workflows/w/runs').map((seen) => seen.headers['idempotency-key']));
  expect(keys.size).toBe(1);
  expect(rest.seen).toHaveLength(6);
});

test('a tool call is repeated only where the server says that it has not begun', async () => {
  let n = 0;
  rest.on(
    'POST /tools/s/t/call',
    () => [problem(429, 'limited', 'too many', {}, { 'retry-after': '0' }), problem(503, 'unavailable', 'away')][n++] ?? { content: [] },
  );
  await expect(client.tools.call('s', 't')).rejects.toMatchObject({ code: 'unavailable' });
  expect(rest.seen).toHaveLength(2);
});

test('a connection that breaks is tried again for a read, not for a tool call', async () => {
  let n = 0;
  const breaking = (): unknown => {
    if (n++ === 0) rest.cut();
    return { ok: true };
  };
  rest.on('GET /runs/r', breaking).on('POST /tools/s/t/call', breaking);
  await expect(client.runs.get('r')).resolves.toEqual({ ok: true });
  n = 0;
  await expect(client.tools.call('s', 't')).rejects.toBeInstanceOf(ConnectionError);
});

test('retries end: by count, by a too long Retry-After, by a refusal', async () => {
  const impatient = new SignalboxClient({ url: rest.url, retries: 1 });
  rest
    .on('GET /runs/busy', problem(429, 'limited', 'busy'))
    .on('GET /runs/later', problem(503, 'unavailable', 'later', {}, { 'retry-after': '3600' }));
  await expect(impatient.runs.get('busy')).rejects.toMatchObject({ code: 'limited' });
  expect(rest.calls('GET /runs/busy')).toHaveLength(2);
  await expect(impatient.runs.get('later')).rejects.toMatchObject({ retryAfterMs: 3_600_000 });
  expect(rest.calls('GET /runs/later')).toHaveLength(1);
  await expect(impatient.runs.get('none')).rejects.toMatchObject({ code: 'not_found' });
  expect(rest.calls('GET /runs/none')).toHaveLength(1);
});

test('nothing that listens, an answer that does not come, and one that is no JSON have their errors', async () => {
  rest.on('GET /runs/slow', () => pause(2_000, undefined, { ref: false })).on('GET /runs/html', new Reply(200, '<html>'));
  await expect(client.runs.get('slow', { timeoutMs: 20 })).rejects.toMatchObject({ name: 'ConnectionError', code: 'timeout' });
  await expect(client.runs.get('html')).rejects.toMatchObject({ name: 'ConnectionError', code: 'unreadable' });
  const nobody = new SignalboxClient({ url: 'http://127.0.0.1:9', retries: 0 });
  await expect(nobody.runs.get('r')).rejects.toMatchObject({ code: 'unreachable', url: 'http://127.0.0.1:9/api/v1/runs/r' });
  const odd = new SignalboxClient({
    url: rest.url,
    retries: 0,
    fetch: () => Promise.reject(new AggregateError([new Error('both refused')])),
  });
  await expect(odd.runs.get('r')).rejects.toThrow('both refused');
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what a fetch of users' own may do
  const odder = new SignalboxClient({ url: rest.url, retries: 0, fetch: () => Promise.reject('no') });
  await expect(odder.runs.get('r')).rejects.toThrow('cannot reach');
});

test('a signal ends a request, a pause between tries and a request not yet sent, with its reason', async () => {
  rest
    .on('GET /runs/slow', () => pause(2_000, undefined, { ref: false }))
    .on('GET /runs/busy', problem(503, 'unavailable', 'busy', {}, { 'retry-after': '20' }));
  for (const id of ['slow', 'busy']) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 60);
    await expect(client.runs.get(id, { signal: controller.signal })).rejects.toThrow('enough');
  }
  await expect(client.runs.get('slow', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  await expect(sleep(1, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
});

test('pauses grow and have an end', () => {
  const pauses = [0, 1, 2, 30].map((attempt) => backoffMs(attempt, 100, 1_000));
  expect(pauses.map((ms, i) => ms >= [50, 100, 200, 500][i]! && ms <= [100, 200, 400, 1_000][i]!)).toEqual([true, true, true, true]);
});

test('a run is followed to its end over lost connections, each event once', async () => {
  const event = (seq: number, type: string, more: object = {}): string => sse(seq, type, { seq, at: '', run: 'r', type, ...more });
  let connection = 0;
  rest.on('GET /runs/r/events', async function* ({ headers }) {
    connection++;
    yield 'retry: 5\n\n: still here\n\n';
    if (connection === 1) {
      yield event(1, 'run.started');
      yield event(2, 'step.started') + event(2, 'step.progress', { message: 'half' });
      return;
    }
    expect(headers['last-event-id']).toBe('2');
    yield event(2, 'step.started');
    yield event(3, 'run.succeeded');
    await pause(2_000, undefined, { ref: false });
  });
  const seen: string[] = [];
  const connections: (string | null)[] = [];
  for await (const { seq, type } of client.runs.follow('r', { onConnection: (lost) => connections.push(lost?.message ?? null) }))
    seen.push(`${seq} ${type}`);
  expect(seen).toEqual(['1 run.started', '2 step.started', '2 step.progress', '3 run.succeeded']);
  expect(connections).toEqual(['the server closed the stream', null]);
});

test('the result of a run is waited for, or read at once where it is there', async () => {
  let status = 'running';
  rest
    .on('GET /runs/r', () => ({ id: 'r', status }))
    .on('GET /runs/r/events', async function* () {
      await pause(20);
      status = 'succeeded';
      yield sse(1, 'run.succeeded', { seq: 1, type: 'run.succeeded' });
    });
  expect((await client.runs.result('r')).status).toBe('succeeded');
  expect((await client.runs.result('r')).status).toBe('succeeded');
  expect(rest.calls('GET /runs/r/events')).toHaveLength(1);
  expect(['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'].map((one) => hasEnded(one as never))).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('system events go on behind the last one; a refusal and a missing server end the stream with their error', async () => {
  let connection = 0;
  rest.on('GET /events', async function* ({ headers }) {
    connection++;
    if (connection === 1) {
      await pause(1);
      yield sse('7-0', 'agent.changed', { name: 'a' });
      await pause(30);
      rest.cut();
      return;
    }
    yield sse('8-0', 'run.changed', { id: headers['last-event-id'] });
    await pause(1_000, undefined, { ref: false });
  });
  const events = client.system.events();
  expect((await events.next()).value).toEqual({ id: '7-0', type: 'agent.changed', data: { name: 'a' } });
  expect((await events.next()).value).toEqual({ id: '8-0', type: 'run.changed', data: { id: '7-0' } });
  await events.return(undefined);
  rest.on('GET /events', problem(401, 'unauthenticated', 'no'));
  await expect(client.system.events().next()).rejects.toMatchObject({ code: 'unauthenticated' });
  const nobody = new SignalboxClient({ url: 'http://127.0.0.1:9', retries: 0 });
  await expect(nobody.system.events().next()).rejects.toMatchObject({ code: 'unreachable' });
  rest.on('GET /events', new Reply(204, undefined));
  expect(await client.system.events().next()).toEqual({ done: true, value: undefined });
});

test('a followed stream ends when its signal is aborted', async () => {
  const controller = new AbortController();
  rest.on('GET /events', async function* () {
    yield sse(1, 'agent.changed', {});
    await pause(2_000, undefined, { ref: false });
  });
  const events = client.system.events({ signal: controller.signal });
  await events.next();
  const next = events.next();
  controller.abort(new Error('enough'));
  await expect(next).rejects.toThrow('enough');
});

test('a server that is away comes back to the stream', async () => {
  let connection = 0;
  rest.on('GET /events', async function* () {
    await pause(1);
    yield `retry: 1\n\n${sse(++connection, 'agent.changed', { connection })}`;
  });
  const hurried = new SignalboxClient({ url: rest.url, retries: 0 });
  const events = hurried.system.events();
  await events.next();
  rest.on('GET /events', () => {
    rest.on('GET /events', async function* () {
      await pause(1);
      yield sse(9, 'agent.changed', { back: true });
    });
    return problem(500, 'internal', 'restarting');
  });
  expect((await events.next()).value).toMatchObject({ id: '9', data: { back: true } });
  await events.return(undefined);
});

async function parsed(...pieces: (string | Uint8Array)[]): Promise<unknown[]> {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece);
      controller.close();
    },
  });
  const events: unknown[] = [];
  for await (const event of parseEvents(body)) events.push(event);
  return events;
}

test('event streams are parsed as the standard says, however they are cut', async () => {
  const bytes = new TextEncoder().encode('data: grün\n\n');
  expect(await parsed(bytes.slice(0, 9), bytes.slice(9))).toEqual([{ id: '', event: 'message', data: 'grün' }]);
  expect(await parsed('id: 1\r', '\nevent: x\r\ndata: a\r\ndata:b\r\n\r\n')).toEqual([{ id: '1', event: 'x', data: 'a\nb' }]);
  expect(await parsed('data: a\rdata: b\r\rdata: c\n\n')).toEqual([
    { id: '', event: 'message', data: 'a\nb' },
    { id: '', event: 'message', data: 'c' },
  ]);
  expect(await parsed('id: 5\ndata\n\nid: \0\ndata: later\n\nevent: lone\n\n')).toEqual([
    { id: '5', event: 'message', data: '' },
    { id: '5', event: 'message', data: 'later' },
  ]);
  expect(await parsed('retry: 50\nretry: never\nother: 1\n\ndata: unfinished')).toEqual([{ retryMs: 50 }]);
  await expect(parsed(`data: ${'x'.repeat(4 * 1024 * 1024)}`)).rejects.toThrow('too long');
});

test('the client imports nothing but itself, so that browsers can load it', async () => {
  const { readdir, readFile } = await import('node:fs/promises');
  const folder = new URL('../src/client/', import.meta.url);
  for (const file of await readdir(folder)) {
    const source = await readFile(new URL(file, folder), 'utf8');
    const imported = [...source.matchAll(/from '([^']+)'/g)].map((match) => match[1] ?? '');
    expect([file, imported.filter((one) => !one.startsWith('./'))]).toEqual([file, []]);
    expect([file, /\b(?:process|Buffer|require)\b[.(]/.test(source)]).toEqual([file, false]);
  }
});

test('the text of a tool’s answer is put together', () => {
  const content = [
    { type: 'text', text: 'a' } as const,
    { type: 'image', data: '', mimeType: 'image/png' } as const,
    { type: 'text', text: 'b' } as const,
  ];
  expect(textOf({ isError: false, content })).toBe('a\nb');
});

test('what is asked for a mirrored call says so, beside what the client always says', async () => {
  const asked: Headers[] = [];
  const seen: typeof fetch = (_, init) => {
    asked.push(new Headers(init?.headers));
    return Promise.resolve(Response.json({ data: [], nextCursor: null }));
  };
  const plain = new SignalboxClient({ url: 'http://127.0.0.1:7420', apiKey: 'sbx_test', headers: { 'x-own': '1' }, fetch: seen });
  await plain.agents.list().first();
  await plain.asMirror().agents.list().first();
  expect(asked.map((headers) => headers.get('signalbox-mirror'))).toEqual([null, 'true']);
  expect(asked.map((headers) => headers.get('x-own'))).toEqual(['1', '1']);
});
