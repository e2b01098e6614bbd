import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { callTool, type CallToolReply, type CallToolRequest } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { toolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';
import { keepOut } from '@signalbox/shared/secrets/live-secrets.js';
import type { Artifact } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { putArtifact, type PutArtifactRequest } from '@signalbox/shared/contracts/context/put-artifact.js';
import { getState } from '@signalbox/shared/contracts/context/get-state.js';
import { putState, type PutStateRequest } from '@signalbox/shared/contracts/context/put-state.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { cancelTasks } from '@signalbox/shared/contracts/protocol/cancel-tasks.js';
import { getTaskStatus } from '@signalbox/shared/contracts/protocol/get-task-status.js';
import { startTask } from '@signalbox/shared/contracts/protocol/start-task.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { eventually, ExecutionPeer, gone, taskOf } from './execution-peer.ts';
import { HttpAgentPeer, json } from './http-agent-peer.ts';
import { RegistryPeer } from './registry-peer.ts';

let protocol: ServiceUnderTest;
let agent: HttpAgentPeer;
const execution = new ExecutionPeer();
const registry = new RegistryPeer();
let onTool: (request: CallToolRequest) => Promise<CallToolReply> | CallToolReply;
const tools: (CallToolRequest & { principal?: string })[] = [];
const artifacts: PutArtifactRequest[] = [];
const writes: PutStateRequest[] = [];
const artifact: Artifact = {
  id: newId('artifact'),
  name: 'a',
  mediaType: 'text/plain',
  size: 1,
  sha256: '0'.repeat(64),
  run: null,
  step: null,
  createdAt: new Date().toISOString(),
  createdBy: 'user_test',
};
let uploaded = 0;

beforeAll(async () => {
  agent = await HttpAgentPeer.start();
  protocol = await startService(async () => (await import('../src/protocol.module.ts')).ProtocolModule, {
    service: 'protocol',
    env: {
      OUTBOUND_ALLOW_INTERNAL: new URL(agent.url).host,
      TASKS_MAX: '4',
      BEAT_MS: '50',
      BREAKER_FAILURES: '1000',
      OUTPUT_MAX_BYTES: '1000000',
    },
    before: async (peers) => {
      await execution.listen(peers);
      await registry.listen(peers);
      await peers.answer(callTool, (request, { caller }) => {
        tools.push({ ...request, principal: caller!.principal });
        return onTool(request);
      });
      await peers.answer(putArtifact, (request) => {
        artifacts.push(request);
        return { ...artifact, name: request.name, mediaType: request.mediaType };
      });
      await peers.answer(putState, (request) => {
        if (request.expectedVersion === 3) throw new Fault('conflict', 'the key is at version 4, not 3', 'Read it again.');
        writes.push(request);
        return { version: 5 };
      });
      await peers.answer(getState, ({ scope, key }) => {
        if (key === 'none') throw new Fault('not_found', 'there is no key none', 'Write it.');
        return { scope, key, version: 4, value: { a: 1 }, updatedAt: '2026-11-27T00:00:00.000Z', updatedBy: 'user_a' };
      });
      await peers.answer(beginUpload, () => ({ upload: newId('upload'), credit: 4 }));
      await peers.answer(writeChunk, ({ data }) => {
        uploaded += Buffer.from(data, 'base64').length;
        return { credit: 4 };
      });
      await peers.answer(finishUpload, () => artifact);
    },
  });
  registry.agents['echo'] = {
    kind: 'http',
    spec: { http: { url: agent.url, headers: { authorization: 'Bearer own', 'idempotency-key': 'forged' } } },
  };
  registry.agents['blocked'] = { kind: 'http', spec: { http: { url: 'http://127.0.0.2:8099/' } } };
  registry.agents['librarian'] = { kind: 'mcp', spec: { mcp: { server: 'files', tools: ['read', 'list'] } } };
  registry.agents['single'] = { kind: 'mcp', spec: { mcp: { server: 'files' } }, skills: [{ name: 'read', description: 'reads' }] };
  registry.agents['any'] = { kind: 'mcp', spec: { mcp: { server: 'files' } } };
  registry.agents['skilled'] = {
    kind: 'http',
    spec: { http: { url: agent.url } },
    skills: [
      { name: 'sum up', description: '' },
      { name: 'draw', description: '' },
    ],
  };
  registry.agents['analyst'] = { kind: 'worker', spec: { worker: {} } };
}, 60_000);
afterAll(async () => {
  await protocol?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  execution.reset();
  agent.seen.length = tools.length = artifacts.length = uploaded = 0;
  agent.answer = ({ body }, response) => json(response, 200, { echo: body });
  onTool = () => ({ content: [{ type: 'text', text: 'hello' }], isError: false });
});

/** Hands a task over and awaits its result. */
async function perform(target: Parameters<typeof taskOf>[0]): Promise<{ output?: unknown; error?: unknown; usage?: unknown }> {
  const task = taskOf(target);
  await protocol.request(startTask, task);
  const { output, error, usage } = await execution.result(task.task);
  return { ...(error ? { error } : { output }), ...(usage && { usage }) };
}

describe('a task for an http agent', () => {
  test('begins only after it was accepted, and ends with the answer as output', async () => {
    const task = taskOf({ agent: 'echo', input: { a: [1] } });
    execution.onAccept = () => expect(agent.seen).toHaveLength(0);
    const { instance } = await protocol.request(startTask, task);
    expect(instance).toMatch(/^protocol-/);
    await expect(execution.result(task.task)).resolves.toMatchObject({ output: { echo: { a: [1] } } });
    expect(execution.accepted).toEqual([task.task]);
    expect(agent.seen[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer own',
      'idempotency-key': task.idempotencyKey,
      'signalbox-task': task.task,
      'signalbox-agent': 'echo',
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-/),
    });
    expect(JSON.stringify(agent.seen[0]!.headers)).not.toMatch(/eyJ/); // A30: no identity of ours leaves
  });

  test('gets what the agent before it had told, whatever of it fits a header', async () => {
    const before = { number: 1, agent: 'first', startedAt: 1, endedAt: 2, code: 'unavailable', detail: 'gone', partial: { pages: 2 } };
    const sent = async (messages: { at: number; message: string }[]): Promise<unknown> => {
      await perform({ agent: 'echo', handover: { attempts: [{ ...before, messages }] } });
      return JSON.parse(Buffer.from(agent.seen.at(-1)!.headers['signalbox-handover'] as string, 'base64url').toString());
    };
    const few = [{ at: 1, message: 'page 2' }];
    expect(await sent(few)).toEqual({ attempts: [{ ...before, messages: few }] });
    const { partial: _, ...short } = before;
    const last = { at: 10, message: 'y'.repeat(1_000) };
    const many = [...Array.from({ length: 9 }, (__, at) => ({ at, message: 'x'.repeat(2_000) })), { at: 10, message: 'y'.repeat(2_000) }];
    expect(await sent(many)).toEqual({ attempts: [{ ...short, messages: [last] }] });
  });

  test('that is mirrored says so, tells nobody of itself, and keeps nothing', async () => {
    await perform({ agent: 'echo' });
    expect(agent.seen[0]!.headers).not.toHaveProperty('signalbox-mirror');
    await perform({ agent: 'echo', isMirror: true });
    expect(agent.seen[1]!.headers).toMatchObject({ 'signalbox-mirror': 'true', baggage: 'signalbox-mirror=true' });
    agent.answer = (_, response) => json(response, 200, 'x'.repeat(300_000));
    await expect(perform({ agent: 'echo', isMirror: true })).resolves.toMatchObject({ error: { code: 'forbidden' } });
    expect(uploaded).toBe(0);
  });

  test('handed over twice is done once', async () => {
    const task = taskOf({ agent: 'echo' });
    agent.answer = (_, response) => void setTimeout(() => json(response, 200, 1), 150);
    await Promise.all([protocol.request(startTask, task), protocol.request(startTask, task)]);
    await execution.result(task.task);
    expect(agent.seen).toHaveLength(1);
  });

  test.each([
    [200, 'text/plain', 'plain', { output: { text: 'plain' } }],
    [200, 'application/json', '', { output: null }],
    [200, 'application/json', '{"broken"', { error: { code: 'unavailable' } }],
    [
      400,
      'application/problem+json',
      '{"detail":"no such field"}',
      { error: { code: 'invalid', detail: expect.stringContaining('no such field') } },
    ],
    [401, 'application/json', '{"error":{"message":"who?"}}', { error: { code: 'forbidden', detail: expect.stringContaining('who?') } }],
    [404, 'text/plain', 'nothing', { error: { code: 'not_found', detail: expect.stringContaining('nothing') } }],
    [429, 'application/json', '{"error":"slow down"}', { error: { code: 'limited', retryAfterMs: 2000 } }],
    [500, 'text/html', '<h1>secret stack</h1>', { error: { code: 'unavailable', detail: 'the agent echo answered 500' } }],
    [503, 'application/json', 'nonsense', { error: { code: 'unavailable' } }],
    [504, 'application/json', '{}', { error: { code: 'timeout' } }],
  ])('that answers %i %s %s ends so', async (status, type, body, expected) => {
    agent.answer = (_, response) =>
      response.writeHead(status, { 'content-type': type, ...(status === 429 && { 'retry-after': '2' }) }).end(body);
    await expect(perform({ agent: 'echo' })).resolves.toMatchObject(expected);
  });

  test('at an address that is not allowed is refused', async () => {
    await expect(perform({ agent: 'blocked' })).resolves.toMatchObject({ error: { code: 'forbidden' } });
  });

  test('passes its skill, and asks for one where there are several', async () => {
    await perform({ agent: 'skilled', skill: 'sum up' });
    expect(agent.seen[0]!.headers['signalbox-skill']).toBe('sum%20up');
    await expect(perform({ agent: 'skilled' })).resolves.toMatchObject({
      error: { code: 'invalid', next: expect.stringContaining('draw') },
    });
    await expect(perform({ agent: 'skilled', skill: 'sing' })).resolves.toMatchObject({ error: { code: 'not_found' } });
  });

  test('ends by its deadline, and the agent is let go', async () => {
    agent.answer = () => undefined;
    await expect(perform({ agent: 'echo', deadline: Date.now() + 200 })).resolves.toMatchObject({ error: { code: 'timeout' } });
    await eventually(() => agent.seen[0]?.isAborted, 'the call was not cut');
  });
});

describe('a task for an mcp agent or a tool', () => {
  test('calls the tool of that name as the caller, once, with key and time', async () => {
    onTool = () => ({ content: [], structuredContent: { lines: 3 }, isError: false });
    const task = taskOf({ agent: 'librarian', skill: 'read', input: { path: 'a' } });
    await protocol.request(startTask, task, { as: { principal: 'user_ada' } });
    await expect(execution.result(task.task)).resolves.toMatchObject({ output: { lines: 3 } });
    expect(tools).toEqual([
      expect.objectContaining({
        server: 'files',
        tool: 'read',
        arguments: { path: 'a' },
        principal: 'user_ada',
        meta: expect.objectContaining({ 'dev.signalbox/idempotency-key': task.idempotencyKey }),
      }),
    ]);
    expect(tools[0]!.timeoutMs).toBeGreaterThan(15_000);
  });

  test('gives text where there is no structure, and blocks where not all is text', async () => {
    await expect(perform({ tool: 'files/read' })).resolves.toEqual({ output: { text: 'hello' } });
    onTool = () => ({
      content: [
        { type: 'text', text: 'a' },
        { type: 'image', data: 'AA==', mimeType: 'image/png' },
      ],
      isError: false,
    });
    await expect(perform({ tool: 'files/read' })).resolves.toEqual({
      output: { text: 'a', content: expect.arrayContaining([expect.objectContaining({ type: 'image' })]) },
    });
  });

  test('fails as the tool says, and as its server does', async () => {
    onTool = () => ({ content: [{ type: 'text', text: 'no such file' }], isError: true });
    await expect(perform({ tool: 'files/read' })).resolves.toMatchObject({
      error: { code: 'invalid', detail: expect.stringContaining('no such file') },
    });
    onTool = () => ({ content: [], isError: true });
    await expect(perform({ tool: 'files/read' })).resolves.toMatchObject({
      error: { detail: expect.stringContaining('does not say why') },
    });
    onTool = () => {
      throw new Fault('unavailable', 'the server is down', 'Wait.', { service: 'mcp-server', retryAfterMs: 700 });
    };
    await expect(perform({ tool: 'files/read' })).resolves.toMatchObject({ error: { code: 'unavailable', retryAfterMs: 700 } });
  });

  test('needs an object as input, and a skill that the agent has', async () => {
    await expect(perform({ tool: 'files/read', input: [1] })).resolves.toMatchObject({ error: { code: 'invalid' } });
    await expect(perform({ agent: 'librarian', skill: 'delete' })).resolves.toMatchObject({ error: { code: 'not_found' } });
    await expect(perform({ agent: 'librarian' })).resolves.toMatchObject({ error: { code: 'invalid' } });
    await expect(perform({ agent: 'single' })).resolves.toMatchObject({ output: { text: 'hello' } });
    await expect(perform({ agent: 'any', skill: 'whatever' })).resolves.toMatchObject({ output: { text: 'hello' } });
    expect(tools.map(({ tool }) => tool)).toEqual(['read', 'whatever']);
  });

  test('tells what the tool is at to who follows the run', async () => {
    onTool = async ({ progressId }) => {
      const about = { progressId: progressId!, progress: 1, total: 4 };
      await protocol.publish(toolProgressed, { ...about, message: 'a quarter' });
      await eventually(() => execution.beats.find(({ message }) => message === 'a quarter'), 'no progress');
      await protocol.publish(toolProgressed, { ...about, progress: 2 });
      await protocol.publish(toolProgressed, { progressId: crypto.randomUUID(), progress: 2 });
      await eventually(() => execution.beats.find(({ message }) => message === '2 of 4'), 'no progress');
      keepOut('token', 'canary-of-a-token');
      await protocol.publish(toolProgressed, { ...about, message: 'logs in with canary-of-a-token' });
      await eventually(() => execution.beats.find(({ message }) => message === 'logs in with [secret:token]'), 'no progress');
      return { content: [], isError: false };
    };
    await perform({ tool: 'files/read' });
    expect(execution.beats.find(({ message }) => message === 'a quarter')).toMatchObject({ fraction: 0.25 });
  });
});

describe('a task that keeps an artifact', () => {
  test('puts text as it is and all else as JSON, once for all attempts', async () => {
    const task = taskOf({ artifact: { name: 'report.md', mediaType: 'text/markdown', content: '# Hi' }, step: 'write' });
    await protocol.request(startTask, task);
    await expect(execution.result(task.task)).resolves.toMatchObject({
      output: { id: artifact.id, name: 'report.md', mediaType: 'text/markdown' },
    });
    await perform({ artifact: { name: 'data.json', content: { a: 1 } } });
    await perform({ artifact: { name: 'plain', content: 'x' } });
    expect(artifacts.map(({ content, mediaType }) => [Buffer.from(content, 'base64').toString(), mediaType])).toEqual([
      ['# Hi', 'text/markdown'],
      ['{\n  "a": 1\n}', 'application/json'],
      ['x', 'text/plain; charset=utf-8'],
    ]);
    expect(artifacts[0]).toMatchObject({ step: 'write', run: task.task.split('.')[0] });
    expect(artifacts[0]!.idempotencyKey).not.toBe(artifacts[1]!.idempotencyKey);
  });

  test('uploads what does not fit a message', async () => {
    await expect(perform({ artifact: { name: 'big', content: 'x'.repeat(300_000) } })).resolves.toMatchObject({
      output: { id: artifact.id },
    });
    expect(uploaded).toBe(300_000);
  });
});

describe('an output that does not fit a message', () => {
  test('is kept as an artifact, or refused where it is far too large', async () => {
    agent.answer = (_, response) => json(response, 200, 'x'.repeat(400_000));
    await expect(perform({ agent: 'echo' })).resolves.toMatchObject({ output: { artifact: { id: artifact.id, sha256: artifact.sha256 } } });
    expect(uploaded).toBe(400_002);
    agent.answer = (_, response) => json(response, 200, 'x'.repeat(1_200_000));
    await expect(perform({ agent: 'echo' })).resolves.toMatchObject({ error: { code: 'limited' } });
  });
});

test('shared state is read, and written by the key of the task; who was slower is told so', async () => {
  await expect(perform({ state: { scope: 'workspace', key: 'plan' } })).resolves.toMatchObject({ output: { value: { a: 1 }, version: 4 } });
  await expect(perform({ state: { key: 'none' } })).resolves.toMatchObject({ output: { value: null, version: 0 } });
  await expect(perform({ state: { key: 'plan', set: null, version: 4 } })).resolves.toMatchObject({ output: { version: 5 } });
  const idempotencyKey = expect.stringMatching(/^key-/) as unknown as string;
  expect(writes).toEqual([
    { scope: expect.stringMatching(/^run_/) as unknown as string, key: 'plan', value: null, expectedVersion: 4, idempotencyKey },
  ]);
  await expect(perform({ state: { key: 'plan', set: 1, version: 3 } })).resolves.toMatchObject({ error: { code: 'conflict' } });
});

describe('between protocol and execution', () => {
  test('a task that is not wanted is not begun', async () => {
    execution.onAccept = () => {
      throw new Fault('conflict', 'another attempt has replaced it', 'Forget it.');
    };
    const task = taskOf({ agent: 'echo' });
    await protocol.request(startTask, task);
    await forgotten(task.task);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(agent.seen).toEqual([]);
    expect(execution.completed).toEqual([]);
  });

  test('acceptance and result are asked for again while execution is away', async () => {
    let refusals = 0;
    execution.onAccept = () => void (refusals++ < 5 && gone('the owner'));
    let losses = 0;
    execution.onComplete = () => void (losses++ < 6 && gone('the owner'));
    await expect(perform({ agent: 'echo', input: 1 })).resolves.toEqual({ output: { echo: 1 } });
    expect(agent.seen).toHaveLength(1);
    expect(losses).toBeGreaterThan(6);
  });

  test('a result that nobody wants any more is forgotten, one that is refused becomes a failure', async () => {
    execution.onComplete = () => {
      throw new Fault('conflict', 'superseded', 'Forget it.');
    };
    const task = taskOf({ agent: 'echo' });
    await protocol.request(startTask, task);
    await eventually(() => agent.seen.length === 1, 'not called');
    await forgotten(task.task);
    execution.onComplete = ({ output }) => {
      if (output !== undefined) throw new Fault('invalid', 'that output is not for me', 'Change it.');
    };
    await expect(perform({ agent: 'echo' })).resolves.toMatchObject({ error: { code: 'internal' } });
  });

  test('it beats while a task runs, and says honestly what it works on', async () => {
    agent.answer = (_, response) => void setTimeout(() => json(response, 200, 1), 300);
    const task = taskOf({ agent: 'echo' });
    await protocol.request(startTask, task);
    await eventually(() => execution.beats.filter(({ tasks }) => tasks.includes(task.task)).length >= 3, 'no beats');
    const unknown = taskOf({}).task;
    const status = await protocol.request(getTaskStatus, { tasks: [task.task, unknown] });
    expect(status.running).toEqual([task.task]);
    await execution.result(task.task);
    await forgotten(task.task);
    const beats = execution.beats.length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(execution.beats.length - beats).toBeLessThanOrEqual(1);
  });

  test.each(['by a beat', 'at once'])('a task that is cancelled %s lets its target go and sends no result', async (how) => {
    agent.answer = () => undefined;
    const task = taskOf({ agent: 'echo' });
    await protocol.request(startTask, task);
    await eventually(() => agent.seen.length === 1, 'not called');
    if (how === 'by a beat') execution.cancelled.add(task.task);
    else expect(await protocol.request(cancelTasks, { tasks: [task.task, taskOf({}).task] })).toEqual({ stopped: [task.task] });
    await eventually(() => agent.seen[0]!.isAborted, 'the call was not cut');
    await forgotten(task.task);
    expect(execution.completed).toEqual([]);
  });

  test('no more tasks are taken than there is room for', async () => {
    agent.answer = () => undefined;
    const tasks = Array.from({ length: 4 }, () => taskOf({ agent: 'echo' }));
    for (const task of tasks) await protocol.request(startTask, task);
    await expect(protocol.request(startTask, taskOf({ agent: 'echo' }))).rejects.toMatchObject({ code: 'limited', retryAfterMs: 500 });
    await protocol.request(cancelTasks, { tasks: tasks.map(({ task }) => task) });
    for (const { task } of tasks) await forgotten(task);
  });

  test.each([
    ['no target', {}],
    ['two targets', { agent: 'echo', tool: 'a/b' }],
    ['a skill without an agent', { tool: 'a/b', skill: 'x' }],
    ['a tool without a server', { tool: 'read' }],
    ['an agent that is no name', { agent: '../x' }],
  ])('a task with %s is refused', async (_, target) => {
    await expect(protocol.request(startTask, taskOf(target))).rejects.toMatchObject({ code: 'invalid' });
  });

  test('a task whose deadline has passed is not begun', async () => {
    await expect(protocol.request(startTask, taskOf({ agent: 'echo', deadline: Date.now() - 1 }))).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  test('a caller who may not invoke agents is refused', async () => {
    await expect(protocol.request(startTask, taskOf({ agent: 'echo' }), { as: { roles: ['viewer'] } })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  test('an agent that is not there, or asks for its tasks itself, fails the task', async () => {
    await expect(perform({ agent: 'nobody' })).resolves.toMatchObject({ error: { code: 'not_found' } });
    await expect(perform({ agent: 'analyst' })).resolves.toMatchObject({ error: { code: 'invalid' } });
  });
});

test('at its stop it fails what it cannot end, so that it is tried elsewhere at once; after it, it knows nothing of it', async () => {
  agent.answer = () => undefined;
  const task = taskOf({ agent: 'echo' });
  await protocol.request(startTask, task);
  await eventually(() => agent.seen.length === 1, 'not called');
  await protocol.stop();
  await expect(execution.result(task.task)).resolves.toMatchObject({ error: { code: 'unavailable' } });
  await protocol.start();
  await expect(protocol.request(getTaskStatus, { tasks: [task.task] })).resolves.toMatchObject({ running: [] });
});

async function forgotten(task: string): Promise<void> {
  const until = performance.now() + 5_000;
  while ((await protocol.request(getTaskStatus, { tasks: [task] })).running.length > 0) {
    if (performance.now() > until) throw new Error('still known');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
