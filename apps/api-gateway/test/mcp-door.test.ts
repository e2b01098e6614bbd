import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, ProtocolError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { listWorkflows } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { callTool } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { mcpServerChanged, toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { issueIdentity } from '@signalbox/shared/contracts/security/issue-identity.js';
import { ensureEventStream } from '@signalbox/shared/bus/event-stream.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { defaultWorkspace } from '@signalbox/testkit/test-issuer.js';
import { jetstream } from '@nats-io/jetstream';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const keys = { ann: 'sbx_mcp_door_test_key_of_ann', eve: 'sbx_mcp_door_test_key_of_eve', bob: 'sbx_mcp_door_test_key_of_bob' };
const run = newId('run');
const inputSchema = { type: 'object', properties: { text: { type: 'string' } } };
const definitions = [
  {
    name: 'echo',
    description: 'Says it again',
    inputSchema,
    icons: [{ src: 'data:,' }],
    _meta: { ui: { resourceUri: 'ui://x' } },
    execution: { taskSupport: 'forbidden' },
  },
  { name: 'slow.tool', description: 'Takes time', inputSchema },
  { name: 'a-name-that-is-much-longer-than-what-clients-take-for-the-name-of-a-tool', description: 'Long', inputSchema },
];
let nats: TestBus;
let gateway: RunningGateway;
let lists = 0;
let cancelled = 0;
let runStatus: 'running' | 'succeeded' | 'failed' = 'running';
const clients: Client[] = [];

function runView(): RunView {
  return {
    id: run,
    workflow: 'report',
    workflowHash: `sha256:${'0'.repeat(64)}`,
    status: runStatus,
    reason: null,
    labels: {},
    output: runStatus === 'succeeded' ? { answer: 42 } : null,
    error: runStatus === 'failed' ? ({ code: 'timeout', detail: 'it took too long' } as never) : null,
    parent: null,
    startedBy: 'user_ann',
    createdAt: new Date().toISOString(),
    startedAt: null,
    endedAt: null,
    progress: { total: 2, done: 1, running: 1, waiting: 0, failed: 0 },
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 } as never,
  };
}

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, keys.ann);
  nats.issuer.addCredential(
    { principal: 'user_eve', name: 'eve', roles: ['admin'], workspace: '01900000-0000-7000-8000-00000000000e' },
    keys.eve,
  );
  nats.issuer.addCredential({ principal: 'user_bob', name: 'bob', roles: ['viewer'] }, keys.bob);
  await nats.answer(issueIdentity, ({ kind, credential, audience }, { fromService }) =>
    nats.issuer.issue(kind, credential, audience, fromService!),
  );
  await nats.answer(listTools, ({ server }, { caller }) => {
    lists++;
    if (server !== undefined && server !== 'files') throw new Fault('not_found', `there is no MCP server ${server}`, 'Look.');
    if (caller!.workspace !== defaultWorkspace) return { data: [], nextCursor: null };
    return {
      data: definitions.map((definition) => ({
        server: 'files',
        name: definition.name,
        description: definition.description,
        inputSchema,
        definition,
      })),
      nextCursor: null,
    };
  });
  await nats.answer(callTool, async ({ tool, arguments: args, progressId }, { caller }) => {
    if (caller!.roles.includes('viewer')) throw new Fault('forbidden', 'this needs the permission tools:call', 'Use another key.');
    if (tool === 'slow.tool') {
      for (let progress = 1; progress <= 3; progress++) {
        const payload = { progressId, progress, total: 3, message: `step ${progress}` };
        if (progressId)
          nats.connection.publish(
            toolProgressed.subject,
            JSON.stringify({ id: '1', workspace: '', entity: '', version: 0, at: 0, payload }),
          );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { content: [{ type: 'text', text: 'slow' }], isError: false };
    }
    if (args?.['text'] === 'bad')
      throw new Fault('invalid', 'the arguments do not fit', 'Correct them.', {
        errors: [{ pointer: '/arguments/text', detail: 'is bad' }],
      });
    if (args?.['text'] === 'down') throw new Fault('unavailable', 'the MCP server files cannot be used now', 'Try again.');
    return {
      content: [{ type: 'text', text: String(args?.['text']), 'x-unknown': 1 }],
      structuredContent: { said: args?.['text'] },
      isError: false,
      meta: { 'x-kept': true },
    };
  });
  await nats.answer(listAgents, () => ({
    data: [
      agent('writer', 'worker', [{ name: 'write', description: 'Writes', inputSchema: { type: 'string' } }]),
      agent('files', 'mcp', [{ name: 'echo', description: 'x' }]),
      agent('poet', 'llm', []),
      agent('clerk', 'http', [
        { name: 'file', description: 'Files it' },
        { name: 'find', description: 'Finds it' },
      ]),
    ],
    nextCursor: null,
  }));
  await nats.answer(listWorkflows, () => ({
    data: [
      {
        name: 'report',
        description: 'Reports',
        labels: {},
        hash: 'sha256:x',
        version: 1,
        steps: 1,
        input: { type: 'object' },
        createdAt: '',
        updatedAt: '',
      },
    ],
    nextCursor: null,
  }));
  await nats.answer(invokeAgent, ({ input }) => {
    runStatus = input === 'fail' ? 'failed' : 'succeeded';
    return runView();
  });
  await nats.answer(startRun, () => {
    runStatus = 'running';
    return runView();
  });
  await nats.answer(getRun, () => ({ ...runView(), steps: [], nextSteps: null }));
  await nats.answer(cancelRun, () => {
    cancelled++;
    return runView();
  });
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  gateway = await startGateway(config);
});
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));
afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

function agent(name: string, kind: string, skills: { name: string; description: string; inputSchema?: object }[]): never {
  const facts = {
    labels: {},
    status: 'healthy',
    version: 1,
    hash: `sha256:${'0'.repeat(64)}`,
    instances: { live: 0, capacity: 0, inFlight: 0 },
  };
  return {
    id: newId('agent'),
    name,
    kind,
    description: '',
    skills,
    ...facts,
    createdAt: new Date().toISOString(),
    updatedAt: new Date().toISOString(),
  } as never;
}

type Era = 'legacy' | 'modern';
async function connect(era: Era, path = '/mcp', key = keys.ann): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: '2026-07-28' } } },
  );
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${gateway.url}${path}`), { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
  );
  clients.push(client);
  return client;
}

function post(body: unknown, headers: Record<string, string> = {}, path = '/mcp'): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${keys.ann}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};
const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };

describe.each<Era>(['legacy', 'modern'])('a client of the %s era', (era) => {
  test('lists all tools under names that clients take, word for word, with agents and workflows', async () => {
    const client = await connect(era);
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names.slice(1)).toEqual([
      'files__echo',
      expect.stringMatching(/^files__slow_tool_[0-9a-f]{8}$/),
      'agent__clerk__file',
      'agent__clerk__find',
      'agent__poet',
      'agent__writer',
      'workflow__report',
    ]);
    expect(names.every((name) => /^[A-Za-z0-9_-]{1,64}$/.test(name))).toBe(true);
    expect(tools[1]).toMatchObject({ icons: [{ src: 'data:,' }], _meta: { ui: { resourceUri: 'ui://x' } }, inputSchema });
  });

  test('calls a tool, and gets its result with unknown fields', async () => {
    const client = await connect(era);
    const result = await client.callTool({ name: 'files__echo', arguments: { text: 'hi' } });
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'hi' }], structuredContent: { said: 'hi' }, _meta: { 'x-kept': true } });
  });

  test('hears of progress', async () => {
    const client = await connect(era);
    const { tools } = await client.listTools();
    const heard: number[] = [];
    await client.callTool(
      { name: tools.find(({ name }) => name.includes('slow'))!.name, arguments: {} },
      { onprogress: ({ progress }) => heard.push(progress) },
    );
    expect(heard).toEqual([1, 2, 3]);
  });

  test('gets faults that a model can act on as results, and others as errors', async () => {
    const client = await connect(era);
    const bad = await client.callTool({ name: 'files__echo', arguments: { text: 'bad' } });
    expect(bad).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('- /arguments/text: is bad') }] });
    await expect(client.callTool({ name: 'files__echo', arguments: { text: 'down' } })).resolves.toMatchObject({ isError: true });
    await expect(client.callTool({ name: 'nothing', arguments: {} })).rejects.toMatchObject({
      code: -32_602,
      message: expect.stringContaining('Unknown tool: nothing'),
    });
  });

  test('sees one server’s tools under their own names at its own path', async () => {
    const client = await connect(era, '/mcp/servers/files');
    expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(definitions.map(({ name }) => name).sort());
    await expect(client.callTool({ name: 'echo', arguments: { text: 'x' } })).resolves.toMatchObject({ structuredContent: { said: 'x' } });
  });

  test('runs agents and workflows, and has a run cancelled that it waits for no more', async () => {
    const client = await connect(era);
    await expect(client.callTool({ name: 'agent__writer', arguments: { input: 'go' } })).resolves.toMatchObject({
      structuredContent: { answer: 42 },
      _meta: { 'signalbox.dev/run': run },
    });
    await expect(client.callTool({ name: 'agent__writer', arguments: { input: 'fail' } })).resolves.toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('it took too long') }],
    });
    const before = cancelled;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    await expect(client.callTool({ name: 'workflow__report', arguments: {} }, { signal: controller.signal })).rejects.toThrow();
    for (const end = performance.now() + 5_000; cancelled === before && performance.now() < end;)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(cancelled).toBe(before + 1);
    const waiting = client.callTool({ name: 'workflow__report', arguments: {} });
    setTimeout(() => (runStatus = 'succeeded'), 600);
    await expect(waiting).resolves.toMatchObject({ structuredContent: { answer: 42 } });
  });

  test('hears that tools changed', async () => {
    const client = await connect(era);
    let changed = 0;
    client.setNotificationHandler('notifications/tools/list_changed', () => void changed++);
    if (era === 'modern') await client.listen({ toolsListChanged: true });
    await client.listTools();
    const before = lists;
    await ensureEventStream(nats.connection);
    const payload = { id: newId('mcp'), name: 'files', transport: 'stdio', change: 'tools', status: 'ready', tools: 3, restarts: 0 };
    for (const end = performance.now() + 10_000; changed === 0 && performance.now() < end;) {
      const envelope = { id: crypto.randomUUID(), workspace: defaultWorkspace, entity: payload.id, version: 1, at: Date.now(), payload };
      await jetstream(nats.connection, { checkAPI: false }).publish(mcpServerChanged.subject, JSON.stringify(envelope), {
        msgID: envelope.id,
      });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(changed).toBeGreaterThan(0);
    await client.listTools();
    expect(lists).toBeGreaterThan(before);
  });

  test('A39 sees and calls nothing that its key does not allow', async () => {
    const viewer = await connect(era, '/mcp', keys.bob);
    await expect(viewer.callTool({ name: 'files__echo', arguments: { text: 'x' } })).rejects.toBeInstanceOf(ProtocolError);
    const foreign = await connect(era, '/mcp', keys.eve);
    await expect(foreign.callTool({ name: 'files__echo', arguments: { text: 'x' } })).rejects.toMatchObject({ code: -32_602 });
  });
});

test('nobody comes in without a key, or by a server that there is not', async () => {
  const none = await fetch(`${gateway.url}/mcp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(initialize),
  });
  expect(none.status).toBe(401);
  expect(none.headers.get('www-authenticate')).toContain('Bearer');
  expect((await post(initialize, {}, '/mcp/servers/nobody')).status).toBe(404);
  expect((await post(initialize, {}, '/mcp/servers/..%2fx')).status).toBe(404);
});

test('A35 a session is its principal’s alone: guessed, foreign and ended ones are unknown', async () => {
  const opened = await post(initialize);
  const session = opened.headers.get('mcp-session-id')!;
  expect(opened.status).toBe(200);
  await opened.text();
  expect((await post(list, { 'mcp-session-id': session })).status).toBe(200);
  expect((await post(list, { 'mcp-session-id': session, authorization: `Bearer ${keys.eve}` })).status).toBe(404);
  expect((await post(list, { 'mcp-session-id': session }, '/mcp/servers/files')).status).toBe(404);
  expect((await post(list, { 'mcp-session-id': crypto.randomUUID() })).status).toBe(404);
  const without = await post(list);
  expect(without.status).toBe(400);
  expect(await without.json()).toMatchObject({ jsonrpc: '2.0', error: { message: expect.stringContaining('initialize') } });
  const ended = await fetch(`${gateway.url}/mcp`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${keys.ann}`, 'mcp-session-id': session },
  });
  expect(ended.status).toBe(200);
  expect((await post(list, { 'mcp-session-id': session })).status).toBe(404);
});

test('initialize opens a session even where headers of the newer era come along', async () => {
  const opened = await post(initialize, { 'mcp-method': 'initialize', 'mcp-protocol-version': '2025-11-25' });
  expect(opened.status).toBe(200);
  expect(opened.headers.get('mcp-session-id')).not.toBeNull();
});

test('A38 other hosts and origins are refused', async () => {
  expect((await post(initialize, { origin: 'http://evil.example.com' })).status).toBe(403);
});

test('modern requests have neither GET nor a foreign cursor', async () => {
  const stream = await fetch(`${gateway.url}/mcp`, { headers: { authorization: `Bearer ${keys.ann}`, accept: 'text/event-stream' } });
  expect(stream.status).toBe(405);
  const client = await connect('modern');
  await expect(client.listTools({ cursor: 'evil' })).rejects.toMatchObject({ code: -32_602 });
});
