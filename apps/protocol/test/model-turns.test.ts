import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { getTool } from '@signalbox/shared/contracts/mcp-server/get-tool.js';
import { startTask, type ModelTarget } from '@signalbox/shared/contracts/protocol/start-task.js';
import { taskDelta } from '@signalbox/shared/contracts/protocol/task-delta.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { ScriptedModel } from '@signalbox/testkit/model/scripted-model.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { ExecutionPeer, taskOf } from './execution-peer.ts';
import { RegistryPeer } from './registry-peer.ts';

let protocol: ServiceUnderTest;
let model: ScriptedModel;
const execution = new ExecutionPeer();
const registry = new RegistryPeer();
const askers: string[] = [];
const inputSchema = { type: 'object', properties: { path: { type: 'string' } } };

beforeAll(async () => {
  model = await ScriptedModel.start({ models: ['scripted-1', 'free-1'] });
  protocol = await startService(async () => (await import('../src/protocol.module.ts')).ProtocolModule, {
    service: 'protocol',
    env: { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: model.baseUrl, MODEL_PRICES: 'scripted-1=2/10', BREAKER_FAILURES: '3' },
    before: async (peers) => {
      await execution.listen(peers);
      await registry.listen(peers);
      await peers.answer(getTool, ({ server, tool }, { caller }) => {
        askers.push(caller!.principal);
        if (tool === 'missing') throw new Fault('not_found', `there is no tool ${server}/${tool}`, 'List the tools.');
        const hash = `sha256:${'0'.repeat(64)}`;
        const description = tool === 'wordy' ? 'x'.repeat(300_000) : `does ${tool}`;
        return { server, name: tool, description, inputSchema, definition: {}, hash, pin: hash, firstSeenAt: new Date().toISOString() };
      });
    },
  });
  registry.agents['reader'] = { kind: 'http', spec: {}, skills: [{ name: 'sum up', description: 'Sums up.', inputSchema }] };
  registry.agents['plain'] = { kind: 'http', spec: {} };
}, 60_000);
afterAll(async () => {
  await protocol?.[Symbol.asyncDispose]();
  await model?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  execution.reset();
  model.reset();
  askers.length = 0;
});

async function turn(target: Partial<ModelTarget>) {
  const task = taskOf({ model: { model: 'scripted-1', messages: [{ role: 'user', content: 'hello' }], ...target } });
  await protocol.request(startTask, task, { as: { principal: 'user_ada' } });
  const { output, error, usage } = await execution.result(task.task);
  return { task, output, error, usage };
}

test('a turn gets the conversation as it is, tells its text piece by piece, and answers with what it used', async () => {
  model.on(undefined, { text: 'It is a long way.', usage: { inputTokens: 1_000, outputTokens: 100 } });
  const deltas = await protocol.record(taskDelta);
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'How far?' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'files__read', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'c1', content: 'far' },
  ];
  const { task, output, usage } = await turn({ messages, maxTokens: 77 });
  expect(output).toEqual({ text: 'It is a long way.', toolCalls: [], finishReason: 'stop', model: 'scripted-1' });
  expect(usage).toEqual({ inputTokens: 1_000, outputTokens: 100, costUsd: 0.003 });
  expect(model.seen[0]!.body).toMatchObject({ model: 'scripted-1', messages, max_completion_tokens: 77 });
  expect(model.seen[0]!.headers['idempotency-key']).toBe(task.idempotencyKey);
  await deltas.next(({ offset, text }) => offset + text.length === 17);
  expect(deltas.heard[0]!.payload).toMatchObject({ task: task.task, agent: 'scripted-1', turn: 2, offset: 0 });
});

test('tools and agents are offered as the caller sees them; calls say what they stand for, and no call is made', async () => {
  model.on(undefined, {
    text: 'Let me look.',
    toolCalls: [
      { name: 'files__read', arguments: { path: 'a' } },
      { name: 'agent_plain__ask', arguments: { input: 'b' } },
      { name: 'files__invented', arguments: {} },
    ],
  });
  const { output } = await turn({ tools: [{ tool: 'files/read' }, { agent: 'reader', skill: 'sum up' }, { agent: 'plain' }] });
  const [first, second, third] = model.seen[0]!.body.tools!.map((tool) => tool.function);
  expect(first).toEqual({ name: 'files__read', description: 'does read', parameters: inputSchema });
  expect(second).toMatchObject({ description: 'Sums up.', parameters: inputSchema });
  expect(second!.name).toMatch(/^agent_reader__sum_up_[0-9a-f]{8}$/);
  expect(third).toMatchObject({ name: 'agent_plain__ask', parameters: { required: ['input'] } });
  expect(output).toMatchObject({
    text: 'Let me look.',
    finishReason: 'tool_calls',
    toolCalls: [
      { name: 'files__read', arguments: '{"path":"a"}', target: { tool: 'files/read' } },
      { name: 'agent_plain__ask', target: { agent: 'plain' } },
      { name: 'files__invented' },
    ],
  });
  expect((output as { toolCalls: object[] }).toolCalls[2]).not.toHaveProperty('target');
  expect(askers).toEqual(['user_ada']);
});

test('an answer by a schema is asked for as such', async () => {
  await turn({ output: inputSchema });
  expect(model.seen[0]!.body.response_format).toEqual({ type: 'json_schema', json_schema: { name: 'output', schema: inputSchema } });
});

test.each<[string, Partial<ModelTarget>, object]>([
  ['a tool that is not there', { tools: [{ tool: 'files/missing' }] }, { code: 'not_found' }],
  ['an agent that is not there', { tools: [{ agent: 'nobody' }] }, { code: 'not_found' }],
  ['a skill that is not there', { tools: [{ agent: 'reader', skill: 'sing' }] }, { code: 'not_found', next: 'It has: sum up.' }],
  ['tools that are described at too great length', { tools: [{ tool: 'files/wordy' }] }, { code: 'invalid' }],
  ['a message without a role', { messages: [{ content: 'x' }] }, { code: 'invalid' }],
  [
    'a budget for a model without a price',
    { model: 'free-1', isBudgeted: true },
    { code: 'invalid', detail: expect.stringContaining('free-1') },
  ],
])('%s fails the turn before the model is asked', async (_, target, error) => {
  await expect(turn(target)).resolves.toMatchObject({ error });
  expect(model.seen).toEqual([]);
});

test('a request without a message, or with two targets, is refused at once', async () => {
  const messages = [{ role: 'user', content: 'x' }];
  for (const target of [{ model: { model: 'scripted-1', messages: [] } }, { tool: 'files/read', model: { model: 'scripted-1', messages } }])
    await expect(protocol.request(startTask, taskOf(target))).rejects.toMatchObject({ code: 'invalid' });
});

test('an answer that would fill a message is no turn', async () => {
  model.on(undefined, { toolCalls: [{ name: 'files__read', arguments: { path: 'x'.repeat(300_000) } }] });
  await expect(turn({})).resolves.toMatchObject({ error: { code: 'invalid', detail: expect.stringContaining('fit a turn') } });
});

test('failures of the provider are the turn’s, and open the breaker of the model', async () => {
  model.on(undefined, { fault: { status: 503 } });
  for (let count = 0; count < 3; count++) await expect(turn({})).resolves.toMatchObject({ error: { code: 'unavailable' } });
  expect(model.seen).toHaveLength(3);
  await expect(turn({})).resolves.toMatchObject({ error: { code: 'unavailable', detail: expect.stringContaining('model/scripted-1') } });
  expect(model.seen).toHaveLength(3);
});
