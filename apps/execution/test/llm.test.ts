import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { encodeCursor } from '@signalbox/shared/bus/page.js';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { getApproval } from '@signalbox/shared/contracts/execution/get-approval.js';
import { getStep } from '@signalbox/shared/contracts/execution/get-step.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { listUsage } from '@signalbox/shared/contracts/execution/list-usage.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import type { ModelToolCall, ModelTurn } from '@signalbox/shared/contracts/protocol/model-turn.js';
import type { ModelTarget, StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { newId, newUuid } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { UsageHours } from '../src/usage/usage-hours.ts';
import { answerAsProtocol, apply, ended, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;
let model: (target: ModelTarget, turn: number, task: StartTaskRequest) => TaskResult = () => answer('done');
let tool: (task: StartTaskRequest) => Promise<TaskResult> | TaskResult = () => ({ output: { text: 'from the tool' } });
const asked: StartTaskRequest[] = [];

beforeAll(async () => {
  service = await startExecution({ reader: { kind: 'worker', skills: ['sum'] } });
  await answerAsProtocol(service, (task) => {
    asked.push(task);
    if (!task.model) return tool(task);
    return model(task.model, (task.model.messages as { role: string }[]).filter(({ role }) => role === 'assistant').length, task);
  });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

const usage = { inputTokens: 10, outputTokens: 2, costUsd: 0.01 };

function answer(text: string): TaskResult {
  return { output: { text, toolCalls: [], finishReason: 'stop', model: 'm-1' } satisfies ModelTurn, usage };
}

function calls(...toolCalls: Omit<ModelToolCall, 'id'>[]): TaskResult {
  const identified = toolCalls.map((call, index) => ({ id: `c${index}`, ...call }));
  return { output: { text: '', toolCalls: identified, finishReason: 'tool_calls', model: 'm-1' } satisfies ModelTurn, usage };
}

const read = { name: 'files__read', arguments: '{"path":"/a"}', target: { tool: 'files/read' } };

async function play(name: string, llm: object, rest: object = {}): ReturnType<typeof ended> {
  asked.length = 0;
  await apply(service, name, { research: { llm: { model: 'm-1', prompt: '${{ input.q }}', ...llm }, ...rest } });
  const { id } = await start(service, { workflow: name, input: { q: 'why?' } });
  return ended(service, id);
}

test('a model calls tools and a worker, hears what they gave, and answers', async () => {
  await using worker = new TestWorker(service, 'reader', ({ input, skill }) => ({ output: { sum: input, skill } }));
  model = (_, turn) =>
    turn === 0
      ? calls(read, { name: 'agent_reader__sum', arguments: '{"input":"x"}', target: { agent: 'reader', skill: 'sum' } })
      : answer('Because.');
  const run = await play('converse', { instructions: 'Be brief.', tools: ['files/*', { agent: 'reader' }] });
  expect(run).toMatchObject({
    status: 'succeeded',
    output: { research: { text: 'Because.' } },
    usage: { inputTokens: 20, outputTokens: 4, costUsd: 0.02 },
    progress: { total: 4, done: 4 },
  });
  expect(worker.done).toHaveLength(1);
  const conversation = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'why?' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'c0', type: 'function', function: { name: 'files__read', arguments: '{"path":"/a"}' } },
        { id: 'c1', type: 'function', function: { name: 'agent_reader__sum', arguments: '{"input":"x"}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'c0', content: 'from the tool' },
    { role: 'tool', tool_call_id: 'c1', content: '{"sum":{"input":"x"},"skill":"sum"}' },
  ];
  expect(asked.map(({ step, tool: name, input, model: target }) => [step, name ?? target?.model, input])).toEqual([
    ['research[0]', 'm-1', undefined],
    ['research[1]', 'files/read', { path: '/a' }],
    ['research[3]', 'm-1', undefined],
  ]);
  expect(asked[0]!.model).toEqual({ model: 'm-1', tools: [{ tool: 'files/*' }, { agent: 'reader' }], messages: conversation.slice(0, 2) });
  expect(asked[2]!.model!.messages).toEqual(conversation);
  expect(new Set(asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
  expect(run.steps).toMatchObject([
    {
      key: 'research[0]',
      kind: 'llm',
      model: 'm-1',
      tool: null,
      agent: null,
      usage,
      limits: { turns: 20, tokens: 200_000, costUsd: null },
    },
    { key: 'research[1]', kind: 'llm', model: null, tool: 'files/read', input: { path: '/a' }, output: { text: 'from the tool' } },
    { key: 'research[2]', agent: 'reader', skill: 'sum', model: null },
    { key: 'research[3]', model: 'm-1', input: null, output: { text: 'Because.' } },
  ]);
  const last = await service.request(getStep, { run: run.id, key: 'research[3]' });
  expect(last.input).toMatchObject({ messages: conversation });
  const { data } = await service.request(listRunEvents, { run: run.id });
  expect(data.filter(({ type }) => type === 'step.succeeded').map(({ step }) => step)).toContain('research[3]');
});

test('what fails for good, and what is invented, is told to the model', async () => {
  tool = () => ({ error: { code: 'forbidden', detail: 'not for you', next: 'Ask for the right.' } });
  let told: unknown[] = [];
  model = ({ messages }, turn) => {
    told = (messages as { role: string; content: string }[]).filter(({ role }) => role === 'tool').map(({ content }) => content);
    return turn === 0 ? calls(read, { name: 'files__drop', arguments: '{}' }) : answer('I may not.');
  };
  const run = await play('told', { tools: ['files/read'] });
  expect(run).toMatchObject({ status: 'succeeded', output: { research: { text: 'I may not.' } }, progress: { failed: 0 } });
  expect(told).toEqual(['Error: not for you Ask for the right.', expect.stringContaining('there is no tool files__drop')]);
  expect(run.steps.map(({ status, model: name, tool: called }) => [status, name, called])).toEqual([
    ['succeeded', 'm-1', null],
    ['failed', null, 'files/read'],
    ['failed', null, null],
    ['succeeded', 'm-1', null],
  ]);
});

test('an answer by a schema is mended, or ends the step', async () => {
  const output = { type: 'object', required: ['count'], properties: { count: { type: 'integer' } } };
  model = ({ messages }, turn) => (turn === 0 ? answer('{"count":"two"}') : answer(`{"count":${(messages as unknown[]).length}}`));
  await expect(play('mended', { output })).resolves.toMatchObject({ status: 'succeeded', output: { research: { count: 3 } } });
  expect(asked[0]!.model!.output).toEqual(output);
  expect(asked[1]!.model!.messages.at(-1)).toMatchObject({ role: 'user', content: expect.stringContaining('/count must be integer') });
  model = () => answer('never');
  await expect(play('unmended', { output })).resolves.toMatchObject({ status: 'failed', error: { code: 'invalid' } });
  expect(asked).toHaveLength(3);
});

test('each limit ends the step with an error that names it, and a fork goes on from there', async () => {
  tool = ({ task }) => ({ output: task });
  model = () => calls(read);
  const limited = await play('limited', { tools: ['files/read'], limits: { costUsd: 0.02 } });
  expect(limited).toMatchObject({
    status: 'failed',
    reason: 'limited',
    error: { detail: expect.stringContaining('research[3]: limits.costUsd: 0.02') },
  });
  expect(asked[0]!.model).toMatchObject({ isBudgeted: true });
  model = (_, turn) => answer(`after ${turn} turns`);
  asked.length = 0;
  const { id } = await service.request(forkRun, { run: limited.id });
  await expect(ended(service, id)).resolves.toMatchObject({ status: 'succeeded', output: { research: { text: 'after 2 turns' } } });
  expect(asked.map(({ step }) => step)).toEqual(['research[3]', 'research[4]']);
  tool = () => new Promise(() => undefined);
  model = () => calls(read);
  const late = await play('late', { tools: ['files/read'], limits: { time: '1s' } });
  expect(late).toMatchObject({ status: 'failed', reason: 'timeout', error: { detail: expect.stringContaining('limits.time') } });
});

test('a call that people approve waits for them, shows what is called, and is made', async () => {
  const ann = { principal: newId('user'), name: 'ann', roles: ['operator' as const] };
  tool = () => ({ output: { text: 'written' } });
  model = (_, turn) => (turn === 0 ? calls({ ...read, target: { tool: 'files/write' } }) : answer('Written.'));
  asked.length = 0;
  await apply(service, 'approved', {
    research: { label: 'Tidy up', llm: { model: 'm-1', prompt: 'x', tools: ['files/*'], approve: ['files/write'] } },
  });
  const { id } = await start(service, { workflow: 'approved', input: {} });
  const waiting = await until(service, id, ({ status }) => status === 'waiting');
  expect(asked.map(({ step }) => step)).toEqual(['research[0]']);
  const { data } = await service.request(listApprovals, { run: id }, { as: ann });
  expect(data).toMatchObject([
    { step: 'research[1]', message: 'Tidy up: the model wants to call files/write.', mayAnswer: true, status: 'open' },
  ]);
  expect(waiting.steps[1]?.waitingFor).toMatchObject([{ on: `approval:${data[0]!.id}` }]);
  const { shown } = await service.request(getApproval, { approval: data[0]!.id }, { as: ann });
  expect(shown).toEqual({ tool: 'files/write', arguments: { path: '/a' } });
  const answered = { approval: data[0]!.id, approved: true };
  await expect(service.request(answerApproval, answered, { as: ann })).resolves.toMatchObject({ status: 'approved' });
  await expect(ended(service, id)).resolves.toMatchObject({ status: 'succeeded', output: { research: { text: 'Written.' } } });
  await expect(service.request(answerApproval, answered, { as: ann })).resolves.toMatchObject({ status: 'approved' });
  expect(asked.map(({ step, tool: name }) => [step, name])).toEqual([
    ['research[0]', undefined],
    ['research[1]', 'files/write'],
    ['research[2]', undefined],
  ]);
});

test('what is added up by time, workflow, agent and model is what the runs say, before and after it is moved to its hour', async () => {
  await using _ = new TestWorker(service, 'reader', ({ input }) => ({
    output: input,
    usage: { inputTokens: 5, outputTokens: 1, costUsd: 0.25 },
  }));
  const delegate = { name: 'agent_reader__sum', arguments: '{"input":"x"}', target: { agent: 'reader', skill: 'sum' } };
  model = (_, turn) => (turn === 0 ? calls(delegate) : answer('Because.'));
  await play('spends', { tools: [{ agent: 'reader' }] });
  const first = await service.request(listUsage, { by: 'agent,model', workflow: 'spends' });
  const expected = [
    { at: null, workflow: null, agent: '', model: 'm-1', attempts: 2, inputTokens: 20, outputTokens: 4, costUsd: 0.02 },
    { at: null, workflow: null, agent: 'reader', model: '', attempts: 1, inputTokens: 5, outputTokens: 1, costUsd: 0.25 },
  ];
  expect(first.data).toEqual(expected);
  expect(first.total).toEqual({ attempts: 3, inputTokens: 25, outputTokens: 5, costUsd: 0.27 });

  await service.app.get(UsageHours).move();
  await expect(service.database.sql(`SELECT count(*)::int AS n FROM usage_entry`)).resolves.toEqual([{ n: 0 }]);
  expect((await service.request(listUsage, { by: 'agent,model', workflow: 'spends' })).data).toEqual(expected);
  await play('spends', { tools: [{ agent: 'reader' }] });
  expect((await service.request(listUsage, { by: 'agent', workflow: 'spends', agent: 'reader' })).data).toMatchObject([{ attempts: 2 }]);

  const { total } = await service.request(listUsage, {});
  const runs = await service.database.sql<{ tokens: number; cost: number }>(
    `SELECT sum((usage::jsonb ->> 'inputTokens')::int + (usage::jsonb ->> 'outputTokens')::int)::int AS tokens, sum(cost_usd)::float8 AS cost FROM run`,
  );
  expect(total.inputTokens + total.outputTokens).toBe(runs[0]!.tokens);
  expect(total.costUsd).toBeCloseTo(runs[0]!.cost, 9);

  const pages = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await service.request(listUsage, { by: 'workflow,model', bucket: 'day', limit: 2, ...(cursor && { cursor }) });
    pages.push(...page.data);
    cursor = page.nextCursor;
  }
  const names = pages.map(({ at, workflow, model: name }) => [at, workflow, name].join(' '));
  expect(new Set(names).size).toBe(names.length);
  expect(pages.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(total.attempts);
  expect((await service.request(listUsage, {}, { as: { workspace: newUuid() } })).total.attempts).toBe(0);
  await expect(service.request(listUsage, { from: '2020-01-01' })).rejects.toMatchObject({ code: 'invalid' });
  for (const at of ['x', '7', '0000-01-01T00:00:00.000Z', '2026-02-01T25:00:00.000Z', '+275760-09-13T00:00:00.000Z']) {
    const cursor = encodeCursor([at, '', '', '']);
    await expect(service.request(listUsage, { bucket: 'day', cursor })).rejects.toMatchObject({ errors: [{ pointer: '/cursor' }] });
  }
});
