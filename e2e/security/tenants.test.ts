import { afterAll, beforeAll, expect } from '@jest/globals';
import { testCase } from '../cases/case.ts';
import { expectOneOf } from '../cases/expect-one-of.ts';
import { operationsOf, type OperationUnderTest } from './openapi.ts';
import { raw } from './raw-request.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

let two: TwoWorkspaces;

beforeAll(async () => {
  two = await TwoWorkspaces.start();
});
afterAll(() => two?.[Symbol.asyncDispose]());

/** The path with the other workspace's ids, and the same with ids that nobody has. */
function paths({ path }: OperationUnderTest): { theirs: string; nobodys: string } | null {
  if (!path.includes('{')) return null;
  const { theirs } = two;
  const resource = path.split('/')[3]!;
  const ids: Record<string, [string, string]> = {
    runs: [theirs.run, swapped(theirs.run)],
    threads: [theirs.thread, swapped(theirs.thread)],
    artifacts: [theirs.artifact, swapped(theirs.artifact)],
    keys: [theirs.keyId, swapped(theirs.keyId)],
    principals: [theirs.principal, swapped(theirs.principal)],
    evals: [theirs.evaluation, swapped(theirs.evaluation)],
    rollouts: [theirs.rollout, swapped(theirs.rollout)],
  };
  const [own, nobody] = ids[resource] ?? [theirs.name, 'nobody'];
  const filled = (id: string): string =>
    path
      .replace('/state/{scope}/{key}', `/state/workspace/${id}`)
      .replace('{step}', 'review')
      .replace('/steps/{key}', '/steps/work')
      .replace('/runs/{id}/state', '/runs/{id}/state?seq=0')
      .replace('{tool}', 'read')
      .replaceAll(/\{\w+\}/g, id);
  return path.includes('{scope}') && !path.includes('{key}') ? null : { theirs: filled(own), nobodys: filled(nobody) };
}

/** Another id of the same form. */
function swapped(id: string): string {
  return id.replace(/....$/, (end) => (end === '0000' ? '1111' : '0000'));
}

const bodies: Record<string, unknown> = {
  'POST /api/v1/approvals/{id}/answer': { approved: true },
  'POST /api/v1/runs/{id}/steps/{key}/resolve': { action: 'retry' },
  'POST /api/v1/runs/{id}/release': { action: 'go-on' },
  'PATCH /api/v1/principals/{id}': { roles: ['viewer'] },
  'POST /api/v1/threads/{id}/messages': { role: 'user', content: 'x' },
  'PUT /api/v1/deployments/{deployment}/agents/{agent}/steps/{step}': { state: 'done' },
  'POST /api/v1/agents/{name}/isolate': { reason: 'x' },
  'POST /api/v1/incidents/{id}/notes': { note: 'x' },
  'POST /api/v1/agents/{name}/invoke': { skill: 'do', input: {} },
  'POST /api/v1/agents/{name}/promote': { version: 1, to: 'integration' },
  'POST /api/v1/agents/{name}/demote': { version: 1, from: 'integration' },
  'POST /api/v1/agents/{name}/approve': { version: 1, to: 'integration' },
  'POST /api/v1/agents/{name}/sign-off': { version: 1 },
  'POST /api/v1/tools/{server}/{tool}/call': { arguments: {} },
  'POST /api/v1/workflows/{name}/runs': { input: {} },
  'POST /api/v1/workflows/{name}/revert': { version: 1 },
};

/** Whoever calls a hook has no key: it is known by its signature, and its body is its own. */
const isHook = ({ path }: OperationUnderTest): boolean => path.startsWith('/api/v1/hooks/');

/** Makes one's own by the same name; another workspace's is not touched by it. */
const isCreate = ({ method, path }: OperationUnderTest): boolean => method === 'PUT' && !path.includes('/steps/');

testCase('A01', "every operation with A's key and B's ids answers as for ids that nobody has, and writes nothing", async (happened) => {
  const { stack, theirs } = two;
  const workspace = await two.workspaceOf(theirs.key);
  const before = await two.rowsOf(workspace);
  const { operations } = await operationsOf(stack);
  let count = 0;
  for (const operation of operations) {
    const ids = paths(operation);
    if (!ids || isCreate(operation) || operation.path.startsWith('/api/v1/schemas')) continue;
    const body = bodies[`${operation.method} ${operation.path}`];
    const options = { key: two.admin, ...(operation.hasBody && { body: JSON.stringify(body ?? {}) }) };
    const [own, nobody] = [
      await raw(stack, operation.method, ids.theirs, options),
      await raw(stack, operation.method, ids.nobodys, options),
    ];
    const shown = `${operation.method} ${ids.theirs}`;
    expect([shown, own.status]).toEqual([shown, isHook(operation) ? 401 : 404]);
    const plain = (text: string, id: string): string => text.replaceAll(id, 'ID').replaceAll(/"instance":"[^"]*"/g, '');
    const [ownId, nobodyId] = [ids.theirs, ids.nobodys].map((path) => path.split('/')[operation.path.includes('/state/') ? 5 : 4]!);
    expect([shown, plain(own.text, ownId!)]).toEqual([shown, plain(nobody.text, nobodyId!)]);
    count++;
  }
  expect(count).toBeGreaterThan(35);
  expect(await two.rowsOf(workspace)).toEqual(before);
  happened(`${count} operations: 404, the same body; no row of B changed`);
});

testCase('A01', 'other spellings of a path lead nowhere else', async (happened) => {
  const { stack, theirs } = two;
  const seen: string[] = [];
  for (const path of [
    `/api/v1/runs/${theirs.run}/`,
    `//api/v1/runs/${theirs.run}`,
    `/api//v1/runs/${theirs.run}`,
    `/api/v1/runs%2f${theirs.run}`,
    `/api/v1/runs/${theirs.run.toUpperCase()}`,
    `/API/V1/RUNS/${theirs.run}`,
    `/api/v1/runs/%2e%2e/runs/${theirs.run}`,
    `/api/v1/x/../runs/${theirs.run}`,
    `/api/v1/runs/${theirs.run}%00`,
    `/api/v1/runs/${theirs.run};x`,
    `/api/v1/runs/${theirs.run}?key=${theirs.key}`,
  ]) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) {
      for (const key of [two.admin, undefined]) {
        const { status, text } = await raw(stack, method, path, { ...(key && { key }), from: '127.0.0.9' });
        const shown = `${method} ${path} ${key ? 'with A’s key' : 'without a key'}: ${status}`;
        expect([shown, text.includes('treasure')]).toEqual([shown, false]);
        if (status < 400 && /<html/i.test(text) === false && method !== 'HEAD') seen.push(shown);
      }
    }
  }
  expect(seen).toEqual([]);
  happened('11 spellings × 7 methods, with and without a key: nothing of B, nothing done');
});

testCase('A01', 'ids of B in query and body are unknown too, and B has nothing more afterwards', async (happened) => {
  const { stack, theirs, admin: key } = two;
  const workspace = await two.workspaceOf(theirs.key);
  const before = await two.rowsOf(workspace);
  for (const path of [
    `/api/v1/artifacts?run=${theirs.run}`,
    `/api/v1/keys?principal=${theirs.principal}`,
    `/api/v1/runs?workflow=${theirs.name}`,
    `/api/v1/audit?principal=${theirs.principal}`,
    `/api/v1/instances?agent=${theirs.name}`,
    `/api/v1/evidence?agent=${theirs.name}`,
    `/api/v1/evals?agent=${theirs.name}`,
    `/api/v1/rollouts?agent=${theirs.name}`,
    `/api/v1/agents?q=${theirs.name}`,
    `/api/v1/limits?q=${theirs.name}`,
    `/api/v1/budgets?q=${theirs.name}`,
    `/api/v1/usage?q=${theirs.name}&by=workflow`,
  ]) {
    const { status, body } = await raw(stack, 'GET', path, { key });
    expectOneOf(path, status, [200, 404]);
    if (status === 200) expect([path, (body as { data: unknown[] }).data]).toEqual([path, []]);
  }
  const made = await raw(stack, 'POST', '/api/v1/keys', { key, body: JSON.stringify({ name: 'x', principal: theirs.principal }) });
  expect(made.status).toBe(404);
  const artifact = await raw(stack, 'POST', `/api/v1/artifacts?name=x&run=${theirs.run}`, {
    key,
    body: 'x',
    headers: { 'content-type': 'text/plain' },
  });
  expect(artifact.status).toBe(404);
  const lease = (agent: string): ReturnType<typeof raw> =>
    raw(stack, 'POST', '/api/v1/workers/lease', { key, body: JSON.stringify({ agent, instance: 'w', credit: 1, waitMs: 0 }) });
  const [own, nobodys] = [await lease(theirs.name), await lease('nobody')];
  expect([own.status, own.text]).toEqual([nobodys.status, nobodys.text.replaceAll('nobody', theirs.name)]);
  for (const path of ['/api/v1/workers/accept', '/api/v1/workers/complete']) {
    const body = JSON.stringify({ task: `${theirs.run}.work.1`, instance: 'w', ...(path.endsWith('complete') && { output: 1 }) });
    expectOneOf(path, (await raw(stack, 'POST', path, { key, body })).status, [400, 404]);
  }
  expect(await two.rowsOf(workspace)).toEqual(before);
  happened('9 queries and 5 bodies: empty or 404; no row of B changed');
});

testCase('A04', 'a body that sets workspace, id, role, owner or __proto__ is 400 and names it', async (happened) => {
  const { stack, admin: key } = two;
  const workspace = await two.workspaceOf(two.theirs.key);
  const { operations } = await operationsOf(stack);
  let count = 0;
  for (const operation of operations) {
    if (!operation.hasBody || !operation.body || isHook(operation)) continue;
    const path = paths(operation)?.nobodys ?? operation.path;
    for (const [field, value] of [
      ['workspace', workspace],
      ['id', 'run_x'],
      ['role', 'admin'],
      ['owner', 'x'],
      ['__proto__', { admin: true }],
      ['constructor', { prototype: {} }],
    ] as const) {
      const body = `{${JSON.stringify(field)}:${JSON.stringify(value)}}`;
      const { status, body: problem } = await raw(stack, operation.method, path, { key, body });
      const shown = `${operation.method} ${path} ${field}`;
      expect([shown, status]).toEqual([shown, 400]);
      expect([shown, JSON.stringify(problem)]).toEqual([shown, expect.stringContaining(field)]);
      count++;
    }
  }
  happened(`${count} bodies over every operation that takes one: 400, the field named`);
});

testCase('A11', "another's Idempotency-Key gives no foreign reply; one's own with another body is 409", async (happened) => {
  const { stack, theirs, admin: key } = two;
  for (const [path, body, other] of [
    ['/api/v1/threads', { title: 'secret of B' }, { title: 'another' }],
    [
      '/api/v1/principals',
      { kind: 'service-account', name: 'once', roles: ['viewer'] },
      { kind: 'service-account', name: 'twice', roles: ['viewer'] },
    ],
    [`/api/v1/workflows/${theirs.name}/runs`, { input: {} }, { input: {}, labels: { a: 'b' } }],
  ] as const) {
    const ask = (by: string, sent: unknown): ReturnType<typeof raw> =>
      raw(stack, 'POST', path, { key: by, body: JSON.stringify(sent), headers: { 'idempotency-key': 'shared-by-chance' } });
    const [first, again] = [await ask(theirs.key, body), await ask(theirs.key, body)];
    expectOneOf(path, first.status, [201, 202]);
    expect((again.body as { id: string }).id).toBe((first.body as { id: string }).id);
    expect([path, (await ask(theirs.key, other)).status]).toEqual([path, 409]);
    const foreign = await ask(key, body);
    expect([path, foreign.text.includes((first.body as { id: string }).id)]).toEqual([path, false]);
  }
  happened('threads, principals and runs: the same key of another workspace makes or finds its own');
});

testCase('A12', 'edited and foreign cursors, ETags and Last-Event-IDs are 400 or 404', async (happened) => {
  const { stack, theirs, admin: key } = two;
  for (const name of ['one', 'two', 'three']) {
    await stack.rest('POST', '/api/v1/threads', { key: theirs.key, body: { title: name } });
    await stack.rest('PUT', `/api/v1/state/workspace/${name}`, { key: theirs.key, body: { value: 1 } });
  }
  const { operations } = await operationsOf(stack);
  const lists = operations.filter(
    ({ method, path, parameters }) => method === 'GET' && !path.includes('{') && parameters.some(({ name }) => name === 'cursor'),
  );
  expect(lists.length).toBeGreaterThan(10);
  for (const { path } of lists) {
    for (const cursor of ['x', 'null', '%00', Buffer.from('{"workspace":"x"}').toString('base64url'), 'a'.repeat(5_000), "' OR 1=1 --"]) {
      const { status } = await raw(stack, 'GET', `${path}?cursor=${encodeURIComponent(cursor)}`, { key });
      expect([`${path}?cursor=${cursor.slice(0, 40)}`, status]).toEqual([`${path}?cursor=${cursor.slice(0, 40)}`, 400]);
    }
  }
  const page = await raw(stack, 'GET', '/api/v1/threads?limit=1', { key: theirs.key });
  const { nextCursor } = page.body as { nextCursor: string };
  expect(nextCursor).not.toBeNull();
  const foreign = await raw(stack, 'GET', `/api/v1/threads?cursor=${nextCursor}`, { key });
  expect(foreign.text).not.toContain('treasure');
  expect(JSON.stringify((foreign.body as { data?: unknown[] }).data ?? [])).not.toMatch(/one|two|three/);
  for (const etag of ['x', '"x"', '"-1"', '"99999999999999999999"', 'W/"1"', '*', '"1" OR 1']) {
    const { status } = await raw(stack, 'PUT', '/api/v1/state/workspace/guarded', {
      key,
      body: '{"value":1}',
      headers: { 'if-match': etag },
    });
    expectOneOf(etag, status, [400, 412]);
  }
  for (const id of ['x', '-1', '1e9', '99999999999999999999999', 'a\u00e4']) {
    const { status } = await raw(stack, 'GET', '/api/v1/events', { key, headers: { 'last-event-id': id, accept: 'text/event-stream' } });
    expect([id, status]).toEqual([id, 400]);
  }
  happened(`${lists.length} lists × 6 cursors, 7 ETags, 5 event ids; a foreign cursor shows nothing of B`);
});

testCase(
  'A17',
  'SQL in filter, sort, q and key, and subjects in names, are 400 or plain text',
  async (happened) => {
    const { stack, admin: key } = two;
    // One key alone would come to its rate limit.
    const keys = [key, ...(await Promise.all([1, 2, 3].map(async () => (await two.keyOf(['admin'])).key)))];
    const { operations } = await operationsOf(stack);
    const texts = [
      "' OR '1'='1",
      "'; DROP TABLE thread; --",
      '1) UNION SELECT 1--',
      '%',
      '_',
      '\\',
      '$1',
      'a\u0000b',
      '.',
      '*',
      '>',
      'sb.security.>',
      'x.*',
    ];
    let count = 0;
    for (const { method, path, parameters } of operations) {
      if (method !== 'GET' || path === '/api/v1/events' || path.startsWith('/api/v1/audit/verification')) continue;
      for (const text of texts) {
        const encoded = encodeURIComponent(text);
        const targets = [
          ...parameters
            .filter((parameter) => parameter.in === 'query')
            .map(({ name }) => `${path.replaceAll(/\{\w+\}/g, 'nobody')}?${name}=${encoded}`),
          ...(path.includes('{') ? [path.replaceAll(/\{\w+\}/g, encoded)] : []),
          `${path.replaceAll(/\{\w+\}/g, 'nobody')}?sort=${encoded}`,
        ];
        for (const target of targets) {
          const { status } = await raw(stack, 'GET', target, { key: keys[count % keys.length]! });
          expectOneOf(target, status, [200, 400, 404]);
          count++;
        }
      }
    }
    for (const name of ['.', '*', '>', 'a.b', 'a b', '../x']) {
      const { status } = await raw(stack, 'PUT', `/api/v1/agents/${encodeURIComponent(name)}`, {
        key,
        body: JSON.stringify({ apiVersion: 'signalbox.dev/v1', kind: 'Agent', metadata: { name }, spec: { kind: 'worker', worker: {} } }),
      });
      expectOneOf(name, status, [400, 404]);
    }
    expect((await two.sql<{ n: string }>('superuser', 'SELECT count(*) AS n FROM context.thread')).length).toBe(1);
    happened(`${count} requests: 200 without effect, 400 or 404; none 500`);
  },
  120_000,
);
