import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { callTool, type CallToolReply, type CallToolRequest } from '@signalbox/shared/contracts/mcp-server/call-tool.js';
import { getTool } from '@signalbox/shared/contracts/mcp-server/get-tool.js';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { listModels } from '@signalbox/shared/contracts/protocol/list-models.js';
import type { Handover } from '@signalbox/shared/contracts/execution/handover.js';
import { startTask } from '@signalbox/shared/contracts/protocol/start-task.js';
import { cancelTasks } from '@signalbox/shared/contracts/protocol/cancel-tasks.js';
import { taskDelta } from '@signalbox/shared/contracts/protocol/task-delta.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { ScriptedModel } from '@signalbox/testkit/model/scripted-model.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import type { LlmSpec } from '../src/targets/agent-spec.ts';
import { eventually, ExecutionPeer, taskOf } from './execution-peer.ts';
import { RegistryPeer } from './registry-peer.ts';

let protocol: ServiceUnderTest;
let model: ScriptedModel;
let other: ScriptedModel;
const execution = new ExecutionPeer();
const registry = new RegistryPeer();
const calls: (CallToolRequest & { principal: string; at: number })[] = [];
let onTool: (request: CallToolRequest) => Promise<CallToolReply> | CallToolReply;
const revoked: string[] = [];

function toolOf(server: string, name: string) {
  return { server, name, description: `does ${name}`, inputSchema: { type: 'object', properties: { path: { type: 'string' } } } };
}

beforeAll(async () => {
  model = await ScriptedModel.start({ apiKey: 'sk-env-canary-123456', models: ['scripted-1', 'scripted-2'] });
  other = await ScriptedModel.start({});
  protocol = await startService(async () => (await import('../src/protocol.module.ts')).ProtocolModule, {
    service: 'protocol',
    env: {
      OPENAI_API_KEY: 'sk-env-canary-123456',
      OPENAI_BASE_URL: model.baseUrl,
      OUTBOUND_ALLOW_INTERNAL: new URL(other.baseUrl).host,
      MODEL_PRICES: 'scripted-1=2/10',
      BREAKER_FAILURES: '1000',
    },
    before: async (peers) => {
      await execution.listen(peers);
      await registry.listen(peers);
      await peers.answer(getTool, ({ server, tool }) => {
        if (tool === 'missing') throw new Fault('not_found', `there is no tool ${server}/${tool}`, 'List the tools.');
        const hash = `sha256:${'0'.repeat(64)}`;
        return { ...toolOf(server, tool), definition: {}, hash, pin: hash, firstSeenAt: new Date().toISOString() };
      });
      await peers.answer(listTools, ({ server, cursor }) =>
        cursor === undefined
          ? { data: [toolOf(server!, 'list')], nextCursor: 'more' }
          : { data: [toolOf(server!, 'read')], nextCursor: null },
      );
      await peers.answer(callTool, (request, { caller }) => {
        calls.push({ ...request, principal: caller!.principal, at: performance.now() });
        return onTool(request);
      });
      await peers.answer(revokeGrant, ({ grant }) => {
        revoked.push(grant);
        return { ended: true };
      });
    },
  });
}, 60_000);
afterAll(async () => {
  await protocol?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  execution.reset();
  model.reset();
  other.reset();
  calls.length = revoked.length = 0;
  onTool = ({ tool, arguments: input }) => ({ content: [{ type: 'text', text: `${tool} of ${String(input?.['path'])}` }], isError: false });
});

const writer: LlmSpec = { model: 'scripted-1', system: 'You write.' };

/** Runs a task of an llm agent to its end. */
async function ask(
  spec: LlmSpec,
  input: unknown,
  more: { outputSchema?: Record<string, unknown>; skills?: string[]; as?: object; handover?: Handover } = {},
) {
  registry.agents['writer'] = {
    kind: 'llm',
    spec: { llm: spec },
    ...((more.skills ?? more.outputSchema) && {
      skills: [{ name: 'write', description: 'Write it well.', ...(more.outputSchema && { outputSchema: more.outputSchema }) }],
    }),
  };
  const task = taskOf({ agent: 'writer', input, ...(more.handover && { handover: more.handover }) });
  await protocol.request(startTask, task, { ...(more.as && { as: more.as }) });
  const { output, error, usage } = await execution.result(task.task);
  return { task, output, error, usage };
}

describe('an llm agent', () => {
  test('answers with text, tells it piece by piece, and says what it used', async () => {
    model.on('the weather', { text: 'It rains, and it will go on raining.', usage: { inputTokens: 1_000, outputTokens: 100 } });
    const deltas = await protocol.record(taskDelta);
    const { output, usage, task } = await ask(writer, 'Say something about the weather', { skills: ['write'] });
    expect(output).toEqual({ text: 'It rains, and it will go on raining.' });
    expect(usage).toEqual({ inputTokens: 1_000, outputTokens: 100, costUsd: 0.003 });
    expect(model.seen[0]!.body).toMatchObject({
      model: 'scripted-1',
      stream: true,
      messages: [
        { role: 'system', content: 'You write.\n\nYour task, write: Write it well.' },
        { role: 'user', content: 'Say something about the weather' },
      ],
    });
    expect(model.seen[0]!.headers['idempotency-key']).toBe(`${task.idempotencyKey}.1`);
    await deltas.next(({ offset, text }) => offset + text.length === 'It rains, and it will go on raining.'.length);
    expect(deltas.heard.length).toBeGreaterThan(2);
    let text = '';
    for (const { payload, entity } of deltas.heard) {
      expect(payload).toMatchObject({ task: task.task, attempt: 1, turn: 1, offset: text.length, agent: 'writer', run: entity });
      text += payload.text;
    }
    expect(text).toBe('It rains, and it will go on raining.');
  });

  test('is told what the agent before it had told', async () => {
    model.on('the weather', { text: 'It rains.' });
    const attempt = { number: 1, agent: 'first', startedAt: 1, endedAt: 2, code: 'unavailable', detail: 'gone', partial: 'It' };
    await ask(writer, 'Say something about the weather', {
      handover: { attempts: [{ ...attempt, messages: [{ at: 1, message: 'looked out' }] }] },
    });
    const { content } = model.seen[0]!.body.messages[0]!;
    expect(content).toContain('Go on from where they were.\n\nfirst (ended: gone)\n- looked out\nIts result so far: "It"');
  });

  test.each([
    ['an object of one field', { prompt: 'hi' }, 'hi'],
    ['any other object', { a: 1, b: 'x' }, '{\n  "a": 1,\n  "b": "x"\n}'],
    ['nothing', undefined, '{}'],
    ['an array', [1], '[\n  1\n]'],
  ])('is told %s', async (_, input, said) => {
    await ask(writer, input);
    expect(model.seen[0]!.body.messages.at(-1)).toEqual({ role: 'user', content: said });
  });

  test('takes a conversation, and of its parameters those that are the caller’s', async () => {
    const messages = [
      { role: 'developer', content: 'be brief' },
      { role: 'user', content: [{ type: 'text', text: 'hello' }] },
    ];
    await ask(
      { model: 'scripted-1' },
      { messages, parameters: { temperature: 0.1, max_completion_tokens: 7, model: 'gpt-other', tools: [], stop: null } },
    );
    expect(model.seen[0]!.body).toMatchObject({ model: 'scripted-1', messages, temperature: 0.1, max_completion_tokens: 7 });
    expect(model.seen[0]!.body).not.toHaveProperty('tools');
    expect(model.seen[0]!.body).not.toHaveProperty('stop');
    await expect(ask(writer, { messages: [] })).resolves.toMatchObject({ error: { code: 'invalid' } });
    await expect(ask(writer, { messages: [{ role: 'king', content: '' }], parameters: 5 })).resolves.toMatchObject({
      error: { code: 'invalid' },
    });
  });

  test('answers with the JSON that its skill asks for, also from a code fence, or fails', async () => {
    const outputSchema = { type: 'object', properties: { a: { type: 'number' } } };
    model.on(undefined, { text: '```json\n{"a": 1}\n```' });
    await expect(ask(writer, 'x', { outputSchema })).resolves.toMatchObject({ output: { a: 1 } });
    expect(model.seen[0]!.body.response_format).toEqual({ type: 'json_schema', json_schema: { name: 'output', schema: outputSchema } });
    model.on(undefined, { text: 'I would rather not.' });
    await expect(ask(writer, 'x', { outputSchema })).resolves.toMatchObject({
      error: { code: 'invalid', detail: expect.stringContaining('rather not') },
    });
  });
});

test('a judge grades at the version that is named, told what was asked, answered and expected, and by which rubric', async () => {
  const skills = [{ name: 'grade', description: 'Grades.', outputSchema: { type: 'object', required: ['score'] } }];
  registry.agents['judge'] = { kind: 'llm', spec: { llm: { model: 'scripted-1', system: 'Be lenient.' } }, skills };
  registry.agents['judge@2'] = { kind: 'llm', spec: { llm: { model: 'scripted-1', system: 'Be strict.' } }, skills };
  model.on(undefined, { text: '{"score": 0.4, "reason": "too long"}' });
  const input = {
    input: { message: 'Where is it?' },
    output: { team: 'billing' },
    expected: { team: 'shipping' },
    rubric: 'The right team.',
  };
  const task = taskOf({ agent: 'judge', agentVersion: 2, skill: 'grade', input });
  await protocol.request(startTask, task);
  await expect(execution.result(task.task)).resolves.toMatchObject({ output: { score: 0.4, reason: 'too long' } });
  const [system, user] = model.seen[0]!.body.messages as { content: string }[];
  expect(system!.content).toContain('Be strict.');
  expect(JSON.parse(user!.content)).toEqual(input);
});

describe('the tools of an llm agent', () => {
  const librarian: LlmSpec = { ...writer, tools: ['files/read'] };

  test('are offered, called side by side as the caller, and their results go back to the model', async () => {
    model.on(({ messages }) => messages.at(-1)!.role === 'user', {
      text: 'Let me look. ',
      toolCalls: [
        { name: 'files__read', arguments: { path: 'a' } },
        { name: 'files__read', arguments: { path: 'b' } },
      ],
      usage: { inputTokens: 10, outputTokens: 5 },
    });
    model.on(
      ({ messages }) => messages.at(-1)!.role === 'tool',
      ({ messages }) => ({
        text: messages
          .filter(({ role }) => role === 'tool')
          .map(({ content }) => content)
          .join(' and '),
        usage: { inputTokens: 20, outputTokens: 6 },
      }),
    );
    onTool = async ({ tool, arguments: input }) => {
      await eventually(() => calls.length === 2, 'the calls were not side by side');
      return { content: [{ type: 'text', text: `${tool} ${String(input!['path'])}` }], isError: false };
    };
    const { output, usage, task } = await ask(librarian, 'read both', { as: { principal: 'user_ada' } });
    expect(output).toEqual({ text: 'read a and read b' });
    expect(usage).toMatchObject({ inputTokens: 30, outputTokens: 11 });
    expect(model.seen[0]!.body.tools).toEqual([
      { type: 'function', function: { name: 'files__read', description: 'does read', parameters: toolOf('', '').inputSchema } },
    ]);
    expect(calls.map(({ principal }) => principal)).toEqual(['user_ada', 'user_ada']);
    // Side by side: either may arrive first.
    expect(calls.map(({ meta }) => meta!['dev.signalbox/idempotency-key']).sort()).toEqual([
      `${task.idempotencyKey}.1.0`,
      `${task.idempotencyKey}.1.1`,
    ]);
    await eventually(() => revoked.length === 1, 'the grant was not given back');
  });

  test('can be all of a server', async () => {
    await ask({ ...writer, tools: ['files/*'] }, 'x');
    expect(model.seen[0]!.body.tools!.map((tool) => tool.function.name)).toEqual(['files__list', 'files__read']);
  });

  test('that fail, are unknown or get no JSON tell the model so, and it goes on', async () => {
    const answers: string[] = [];
    const asks = [
      { name: 'files__read', arguments: { path: 'x' } },
      { name: 'files__delete', arguments: {} },
      { name: 'files__read', arguments: '{"broken' },
      { name: 'files__read', arguments: [1] },
      { name: 'files__read', arguments: '' },
    ];
    model.on(undefined, ({ messages }) => {
      if (messages.at(-1)!.role !== 'tool') return { toolCalls: asks };
      answers.push(...messages.filter(({ role }) => role === 'tool').map(({ content }) => String(content)));
      return { text: 'done' };
    });
    onTool = ({ arguments: input }) => {
      if (input!['path'] === 'x') return { content: [{ type: 'text', text: 'no such file' }], isError: true };
      throw new Fault('unavailable', 'the server is down.', 'Wait.', { service: 'mcp-server' });
    };
    await expect(ask(librarian, 'x')).resolves.toMatchObject({ output: { text: 'done' } });
    expect(answers).toEqual([
      'Error: no such file',
      'Error: there is no tool files__delete. There are: files__read',
      'Error: the arguments are not JSON.',
      expect.stringContaining('is not an object'),
      'Error: the server is down. Wait.',
    ]);
  });

  test('that are not there fail the task before the model is asked', async () => {
    await expect(ask({ ...writer, tools: ['files/missing'] }, 'x')).resolves.toMatchObject({ error: { code: 'not_found' } });
    expect(model.seen).toEqual([]);
  });

  test('whose results are huge are cut for the model', async () => {
    model.on(undefined, ({ messages }) =>
      messages.at(-1)!.role === 'tool'
        ? { text: String(String(messages.at(-1)!.content).length) }
        : { toolCalls: [{ name: 'files__read', arguments: {} }] },
    );
    onTool = () => ({ content: [], structuredContent: 'x'.repeat(150_000), isError: false });
    const { output } = await ask(librarian, 'x');
    expect(Number((output as { text: string }).text)).toBeLessThan(100_100);
  });

  test('work for a caller who may give no grant, while his identity lives', async () => {
    await protocol.answer(createGrant, () => {
      throw new Fault('forbidden', 'this needs grants:write', 'Use another key.');
    });
    await expect(ask(librarian, 'x')).resolves.toMatchObject({ output: { text: expect.any(String) } });
    await protocol.answer(createGrant, () => {
      throw new Fault('unavailable', 'security is away', 'Wait.', { service: 'security' });
    });
    await expect(ask(librarian, 'x')).resolves.toMatchObject({ error: { code: 'unavailable' } });
    await protocol.answer(createGrant, (_, { caller }) => ({ grant: protocol.bus.issuer.addCredential(caller!) }));
  });
});

describe('limits of an llm agent', () => {
  test('so many turns', async () => {
    model.on(undefined, { toolCalls: [{ name: 'files__read', arguments: { path: 'again' } }] });
    const { error, usage } = await ask({ ...writer, tools: ['files/read'], maxTurns: 3 }, 'x');
    expect(error).toMatchObject({ code: 'limited', detail: expect.stringContaining('3 turns') });
    expect(model.seen).toHaveLength(3);
    expect(usage!.outputTokens).toBeGreaterThan(0); // what was paid for counts
  });

  test('so many tokens, over all turns', async () => {
    model.on(undefined, { toolCalls: [{ name: 'files__read', arguments: {} }], usage: { inputTokens: 1, outputTokens: 60 } });
    await expect(ask({ ...writer, tools: ['files/read'], maxTokens: 100 }, 'x')).resolves.toMatchObject({ error: { code: 'limited' } });
    expect(model.seen.map(({ body }) => body.max_completion_tokens)).toEqual([100, 40]);
    model.on(undefined, { text: 'cut o', finishReason: 'length' });
    await expect(ask({ ...writer, maxTokens: 5 }, 'x')).resolves.toMatchObject({
      error: { code: 'limited', detail: expect.stringContaining('5 tokens') },
    });
    await expect(ask(writer, 'x')).resolves.toMatchObject({ error: { code: 'limited' } });
    model.on(undefined, { text: '', finishReason: 'content_filter' });
    await expect(ask(writer, 'x')).resolves.toMatchObject({ error: { code: 'invalid', detail: expect.stringContaining('filter') } });
  });

  test('its deadline', async () => {
    model.on(undefined, { text: 'late', fault: { silentMs: 3_000 } });
    registry.agents['writer'] = { kind: 'llm', spec: { llm: writer } };
    const task = taskOf({ agent: 'writer', deadline: Date.now() + 250 });
    await protocol.request(startTask, task);
    await expect(execution.result(task.task)).resolves.toMatchObject({ error: { code: 'timeout' } });
  });

  test('a cancellation ends the stream at the provider', async () => {
    model.on(undefined, { text: 'slowly '.repeat(100), pauseMs: 20 });
    registry.agents['writer'] = { kind: 'llm', spec: { llm: writer } };
    const task = taskOf({ agent: 'writer' });
    await protocol.request(startTask, task);
    await eventually(() => model.seen.length === 1, 'not asked');
    await protocol.request(cancelTasks, { tasks: [task.task] });
    await eventually(() => model.seen[0]!.isAborted, 'the stream went on');
    expect(execution.completed).toEqual([]);
  });
});

describe('a provider that fails', () => {
  test.each([
    ['with 429', { status: 429, retryAfterMs: 1_500 }, { code: 'limited', retryAfterMs: 1_500 }],
    ['with 500', { status: 500 }, { code: 'unavailable' }],
    ['with 400', { status: 400, message: 'bad schema' }, { code: 'invalid', detail: expect.stringContaining('bad schema') }],
    ['by cutting the stream', { cutAfter: 2 }, { code: 'unavailable' }],
    ['with what is no answer', { garbage: true as const }, { code: 'unavailable' }],
  ])('%s fails the task, and is asked once', async (_, fault, expected) => {
    model.on(undefined, { text: 'a text of more than two pieces', fault });
    await expect(ask(writer, 'x')).resolves.toMatchObject({ error: expected });
    expect(model.seen).toHaveLength(1);
  });

  test('by its key says so without the key', async () => {
    model.on(undefined, { fault: { status: 401, message: 'Incorrect API key provided: sk-env-canary-123456.' } });
    const { error } = await ask(writer, 'x');
    expect(error).toMatchObject({ code: 'forbidden' });
    expect(JSON.stringify(error)).not.toContain('canary');
    model.on(undefined, {});
    await expect(ask({ model: 'gpt-none' }, 'x')).resolves.toMatchObject({ error: { code: 'not_found' } });
  });
});

describe('the provider of an agent', () => {
  test('can be another one, with a key of its own or none', async () => {
    other.on(undefined, { text: 'from the other' });
    await expect(ask({ ...writer, provider: { baseUrl: other.baseUrl, apiKey: 'sk-own' } }, 'x')).resolves.toMatchObject({
      output: { text: 'from the other' },
    });
    await expect(ask({ ...writer, provider: { baseUrl: other.baseUrl } }, 'x')).resolves.toMatchObject({
      output: { text: 'from the other' },
    });
    expect(other.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer sk-own', 'Bearer none']);
  });

  test('gets the key of the environment only where that belongs', async () => {
    await expect(ask({ ...writer, provider: { baseUrl: other.baseUrl, apiKey: 'env' } }, 'x')).resolves.toMatchObject({
      error: { code: 'forbidden' },
    });
    expect(other.seen).toEqual([]);
    model.on(undefined, { text: 'mine' });
    await expect(ask({ ...writer, provider: { baseUrl: model.baseUrl, apiKey: 'env' } }, 'x')).resolves.toMatchObject({
      output: { text: 'mine' },
    });
  });

  test('may not be internal, even where the environment names that host for models', async () => {
    await expect(ask({ ...writer, provider: { baseUrl: 'http://127.0.0.1:8099/v1' } }, 'x')).resolves.toMatchObject({
      error: { code: 'forbidden' },
    });
    registry.agents['sly'] = { kind: 'http', spec: { http: { url: model.baseUrl } } };
    const task = taskOf({ agent: 'sly' });
    await protocol.request(startTask, task);
    await expect(execution.result(task.task)).resolves.toMatchObject({ error: { code: 'forbidden' } });
  });
});

test('models of the configured provider are listed', async () => {
  await expect(protocol.request(listModels, {})).resolves.toEqual({
    data: ['scripted-1', 'scripted-2'].map((id) => ({ id, provider: 'default', ownedBy: 'scripted', created: 0 })),
  });
});
