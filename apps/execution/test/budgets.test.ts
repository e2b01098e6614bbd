import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { getApproval } from '@signalbox/shared/contracts/execution/get-approval.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { getModelPrices } from '@signalbox/shared/contracts/protocol/get-model-prices.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { answerAsProtocol, apply, ended, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;
const asked: StartTaskRequest[] = [];
let pricesOf = (models: string[]): string[] | Promise<string[]> => models;
let model: (task: StartTaskRequest) => TaskResult = () => answer('done', 10);

beforeAll(async () => {
  service = await startExecution(
    { reader: { kind: 'worker', skills: ['sum'] } },
    {
      before: (peers) =>
        peers.answer(getModelPrices, async ({ models }) => ({
          data: (await pricesOf(models)).flatMap((name) =>
            name === 'free-1' ? [] : [{ model: name, inputUsd: name === 'cheap-1' ? 1 : 100, outputUsd: name === 'cheap-1' ? 1 : 100 }],
          ),
        })),
    },
  );
  await answerAsProtocol(service, (task) => {
    asked.push(task);
    return task.model ? model(task) : { output: { text: 'from the tool' } };
  });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

function answer(text: string, tokens: number, costUsd = 0): TaskResult {
  return { output: { text, toolCalls: [], finishReason: 'stop', model: 'm-1' }, usage: { inputTokens: tokens, outputTokens: 0, costUsd } };
}

async function play(name: string, steps: Record<string, object>, rest: object): ReturnType<typeof ended> {
  asked.length = 0;
  await apply(service, name, steps, rest);
  const { id } = await start(service, { workflow: name, input: {} });
  return ended(service, id);
}

const each = { agent: 'reader', skill: 'sum', forEach: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], usesAtMost: { tokens: 30 } };

test('A58: items at the last of a budget are never over it, and the error names it', async () => {
  let open = 0;
  let most = 0;
  await using worker = new TestWorker(service, 'reader', async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 20));
    open--;
    return { output: 1, usage: { inputTokens: 20, outputTokens: 10, costUsd: 0 } };
  });
  const run = await play('last-of-it', { each }, { budget: { tokens: 100 } });
  expect(run).toMatchObject({
    status: 'failed',
    reason: 'limited',
    error: {
      code: 'limited',
      detail: expect.stringMatching(/budget\.tokens of the run: 90 tokens of 100 are used, and this call may use 30/),
    },
    usage: { inputTokens: 60, outputTokens: 30 },
    budgets: [{ of: 'run', measure: 'tokens', limit: 100, spent: 90, held: 0, unreported: 0 }],
  });
  expect(worker.done).toHaveLength(3);
  expect(most).toBeLessThanOrEqual(3);
});

test('why a run waits for its budget, and who has set it aside', async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  await using _ = new TestWorker(service, 'reader', async () => {
    await gate;
    return { output: 1, usage: { inputTokens: 1, outputTokens: 0, costUsd: 0 } };
  });
  await apply(service, 'waits', { each: { ...each, forEach: [1, 2] }, next: { value: 1 } }, { budget: { tokens: 40 } });
  const { id } = await start(service, { workflow: 'waits', input: {} });
  await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  const { chain } = await service.request(whyRun, { run: id, key: 'each[1]' });
  expect(chain).toMatchObject([
    {
      kind: 'budget',
      on: 'budget:run',
      because: 'the budget of the run lacks 20 tokens more: 0 tokens of 40 are used and 30 tokens set aside for what is under way',
      holders: [{ step: 'each[0]' }],
    },
  ]);
  release();
  await expect(ended(service, id)).resolves.toMatchObject({ status: 'succeeded', budgets: [{ spent: 2 }] });
});

test('people raise a budget by an approval, and the run goes on', async () => {
  await using _ = new TestWorker(service, 'reader', () => ({ output: 1, usage: { inputTokens: 30, outputTokens: 0, costUsd: 0 } }));
  await apply(
    service,
    'asks',
    { each: { ...each, forEach: [1, 2, 3] } },
    { budget: { tokens: 40, onLimit: { ask: { by: { roles: ['admin'] } } } } },
  );
  const { id } = await start(service, { workflow: 'asks', input: {} });
  await until(service, id, ({ status }) => status === 'waiting');
  const { data } = await service.request(listApprovals, { status: ['open'] });
  const asks = data.filter(({ run }) => run === id);
  expect(asks).toMatchObject([{ step: 'each[1]', message: expect.stringContaining('20 tokens more'), by: { roles: ['admin'] } }]);
  const detail = await service.request(getApproval, { approval: asks[0]!.id });
  expect(detail).toMatchObject({
    shown: { limit: { tokens: 40 }, spent: { tokens: 30 } },
    form: { properties: { tokens: { type: 'integer' } } },
  });
  await expect(service.request(answerApproval, { approval: asks[0]!.id, approved: true, data: { tokens: -1 } })).rejects.toMatchObject({
    code: 'invalid',
  });
  await service.request(answerApproval, { approval: asks[0]!.id, approved: true, data: { tokens: 60 } });
  await expect(ended(service, id)).resolves.toMatchObject({ status: 'succeeded', budgets: [{ limit: 100, spent: 90 }] });
});

test('a model is asked for no more than its budget has, at the price that is known; else the cheaper one is', async () => {
  model = ({ model: target }) => answer(`by ${target?.model}`, 100, target?.model === 'cheap-1' ? 0.0001 : 0.01);
  const llm = { model: 'm-1', prompt: 'Why?', maxTokens: 50 };
  const steps = { first: { llm }, second: { llm, needs: ['first'] } };
  const run = await play('cheaper', steps, { budget: { costUsd: 0.015, onLimit: { model: 'cheap-1' } } });
  expect(run).toMatchObject({ status: 'succeeded', output: { second: { text: 'by cheap-1' } } });
  expect(asked.map((task) => [task.model?.model, task.model?.maxTokens])).toEqual([
    ['m-1', 50],
    ['cheap-1', 50],
  ]);
  expect(run.budgets?.[0]?.spent).toBeCloseTo(0.0101);
});

test('a run is not started where nobody knows what its model costs', async () => {
  await apply(service, 'priceless', { a: { llm: { model: 'free-1', prompt: 'x', maxTokens: 5 } } }, { budget: { costUsd: 1 } });
  await expect(service.request(startRun, { workflow: 'priceless', input: {} })).rejects.toMatchObject({
    code: 'invalid',
    detail: expect.stringContaining('free-1'),
  });
});

test('child runs have their part of the budget and give the rest back', async () => {
  await using _ = new TestWorker(service, 'reader', () => ({ output: 1, usage: { inputTokens: 25, outputTokens: 0, costUsd: 0 } }));
  await apply(service, 'part', { one: { agent: 'reader', usesAtMost: { tokens: 30 } } });
  const part = { workflow: 'part', usesAtMost: { tokens: 30, steps: 1 } };
  const run = await play(
    'whole',
    { a: part, b: { ...part, needs: ['a'] }, c: { ...part, needs: ['b'] } },
    { budget: { tokens: 80, steps: 6 } },
  );
  expect(run).toMatchObject({
    status: 'succeeded',
    budgets: [
      { measure: 'tokens', limit: 80, spent: 75, unreported: 75 },
      { measure: 'steps', limit: 6, spent: 6 },
    ],
  });
  await apply(service, 'greedy', { one: { agent: 'reader', usesAtMost: { tokens: 90 } } });
  const greedy = await play('too-much', { a: { ...part, workflow: 'greedy' } }, { budget: { tokens: 80 } });
  expect(greedy.error).toMatchObject({ code: 'limited', detail: expect.stringContaining('budget.tokens of the run: 0 tokens of 30') });
});

test('a child run whose parent is cancelled while the prices for it are asked is not started', async () => {
  const asking = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  pricesOf = async (models) => {
    asking.resolve();
    await told.promise;
    return models;
  };
  await apply(service, 'late', { a: { llm: { model: 'late-1', prompt: 'x', maxTokens: 5 } } }, { budget: { costUsd: 1 } });
  await apply(service, 'above-late', { a: { workflow: 'late' } }, { finally: { tidy: { wait: { signal: 'go' } } } });
  const { id } = await start(service, { workflow: 'above-late', input: {} });
  await asking.promise;
  expect(await service.request(cancelRun, { run: id })).toMatchObject({ reason: 'finishing' });
  pricesOf = (models) => models;
  told.resolve();
  await sleep(500);
  expect((await service.request(listRuns, { workflow: 'late' })).data).toEqual([]);
});
