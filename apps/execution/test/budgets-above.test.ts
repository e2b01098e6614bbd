import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { applyBudget, type ApplyBudgetRequest } from '@signalbox/shared/contracts/execution/apply-budget.js';
import type { BudgetView } from '@signalbox/shared/contracts/execution/budget-view.js';
import { deleteBudget } from '@signalbox/shared/contracts/execution/delete-budget.js';
import { getBudget } from '@signalbox/shared/contracts/execution/get-budget.js';
import { listBudgets } from '@signalbox/shared/contracts/execution/list-budgets.js';
import type { GetRunReply } from '@signalbox/shared/contracts/execution/get-run.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { upgradeRun } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, ended, start, startExecution, TestWorker } from './peers.ts';

let service: ServiceUnderTest;
const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

beforeAll(async () => {
  service = await startExecution({
    reader: { kind: 'worker', skills: ['read'], live: 1 },
    writer: { kind: 'worker' },
    asleep: { kind: 'worker', skills: ['read'] },
  });
  await apply(service, 'three', { each: { agent: 'reader', forEach: [1, 2, 3], usesAtMost: { tokens: 30 } } });
  await apply(service, 'one', { a: { agent: 'reader', usesAtMost: { tokens: 30 } } });
  await apply(service, 'above', { child: { workflow: 'one' } });
  await apply(service, 'unsaid', { a: { agent: 'reader' } });
}, 120_000);

afterEach(async () => {
  for (const { scope } of (await service.request(listBudgets, {})).data) await service.request(deleteBudget, { scope });
});

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

async function limit(scope: string, tokens: number, rest: Partial<ApplyBudgetRequest> = {}): Promise<BudgetView> {
  return (await service.request(applyBudget, { scope, limit: { tokens }, ...rest })).resource;
}

function reader(tokens = 20): TestWorker {
  return new TestWorker(service, 'reader', () => ({ output: 1, usage: { inputTokens: tokens, outputTokens: 0, costUsd: 0 } }), 64);
}

/** The budget once nothing is set aside any more. */
async function settled(scope: string): Promise<BudgetView> {
  for (const until = performance.now() + 20_000; ; await sleep(20)) {
    const budget = await service.request(getBudget, { scope });
    if (budget.given.tokens === 0) return budget;
    if (performance.now() > until) throw new Error(`the budget is not settled: ${JSON.stringify(budget)}`);
  }
}

async function play(workflow: string): Promise<GetRunReply> {
  const { id } = await start(service, { workflow, input: {} });
  return ended(service, id, 45_000);
}

function sumOf(runs: readonly GetRunReply[]): number {
  return runs.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
}

test('fifty runs at once never go past the budget of their workspace, and what is spent is what they used', async () => {
  let calls = 0;
  await using _ = new TestWorker(
    service,
    'reader',
    () => ({ output: ++calls, usage: { inputTokens: 20, outputTokens: 0, costUsd: 0 } }),
    64,
  );
  await limit('workspace', 2_000);
  const runs = await Promise.all(list(50).map(() => play('three')));
  const statuses = new Set(runs.map(({ status }) => status));
  expect(statuses).toEqual(new Set(['succeeded', 'failed']));
  const { spent, given } = await settled('workspace');
  expect(spent.tokens).toBe(sumOf(runs));
  expect(spent.tokens).toBe(calls * 20);
  expect(spent.tokens).toBeLessThanOrEqual(2_000);
  // Runs that hold parts of it and all wait for more are refused in the end, so that not all of it need be used.
  expect(spent.tokens).toBeGreaterThan(1_400);
  expect(given).toEqual({ tokens: 0, costUsd: 0, steps: 0 });
  expect(runs.find(({ status }) => status === 'failed')).toMatchObject({
    reason: 'limited',
    error: {
      code: 'limited',
      detail: expect.stringMatching(
        /budget\.tokens of workspace: \d+ tokens of 2000 are used and \d+ tokens set aside .* may need \d+ tokens more/,
      ),
      next: expect.stringContaining('signalbox budgets set workspace'),
    },
  });
  await expect(service.database.sql(`SELECT count(*)::int AS n FROM budget_slice`)).resolves.toEqual([{ n: 0 }]);
}, 60_000);

test('a call is refused only once those of its run have ended that may leave it room: none of them is cancelled for it', async () => {
  await using _ = new TestWorker(service, 'reader', async () => {
    await sleep(500); // longer than the budget takes to say no
    return { output: 1, usage: { inputTokens: 20, outputTokens: 0, costUsd: 0 } };
  });
  await limit('workspace', 50);
  const run = await play('three');
  expect(run).toMatchObject({ status: 'failed', reason: 'limited', usage: { inputTokens: 40 } });
  await expect(settled('workspace')).resolves.toMatchObject({ spent: { tokens: 40, steps: 2 } });
});

test('what is given is the sum of the slices of the runs that are under way', async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  await using _ = new TestWorker(service, 'reader', async () => {
    await gate;
    return { output: 1, usage: { inputTokens: 7, outputTokens: 0, costUsd: 0 } };
  });
  await limit('workspace', 100_000);
  const runs = await Promise.all(list(3).map(() => start(service, { workflow: 'three', input: {} })));
  for (const until = performance.now() + 10_000; performance.now() < until; await sleep(20))
    if ((await service.request(getBudget, { scope: 'workspace' })).given.tokens >= 900) break;
  await expect(service.database.sql(`SELECT given_tokens = (SELECT sum(tokens) FROM budget_slice) AS same FROM budget`)).resolves.toEqual([
    { same: true },
  ]);
  const { given, slices } = await service.request(getBudget, { scope: 'workspace' });
  expect(slices).toEqual(given);
  expect(slices.tokens).toBeGreaterThanOrEqual(900);
  release();
  for (const { id } of runs) await expect(ended(service, id)).resolves.toMatchObject({ status: 'succeeded' });
  await expect(settled('workspace')).resolves.toMatchObject({ spent: { tokens: 63 } });
});

test('a run counts for its workflow and its agents, a child run for itself, and what a call may use can be said once', async () => {
  await using _ = reader(25);
  await limit('workspace', 1_000);
  await limit('workflow/one', 40);
  await limit('agent/reader', 500, { perCall: { tokens: 30 } });
  await limit('agent/writer', 0);
  await expect(play('above')).resolves.toMatchObject({ status: 'succeeded' });
  await expect(settled('workflow/one')).resolves.toMatchObject({ spent: { tokens: 25, steps: 1 } });
  await expect(settled('workspace')).resolves.toMatchObject({ spent: { tokens: 25 } });
  await expect(settled('agent/reader')).resolves.toMatchObject({ spent: { tokens: 25 } });
  await expect(play('above')).resolves.toMatchObject({ status: 'failed', error: { detail: expect.stringContaining('of workflow/one') } });
  const unsaid = await play('unsaid');
  expect(unsaid).toMatchObject({ status: 'failed', error: { code: 'invalid', next: expect.stringContaining('perCall.tokens') } });
  await limit('workspace', 1_000, { perCall: { tokens: 30 } });
  await expect(play('unsaid')).resolves.toMatchObject({ status: 'succeeded' });
});

test('whoever takes a step over by its skill, or does one of a definition that a run went over to, is charged for it', async () => {
  await using _ = reader(25);
  await limit('agent/reader', 20);
  const refused = { status: 'failed', reason: 'limited', error: { detail: expect.stringContaining('of agent/reader') } };
  await apply(service, 'taken-over', {
    a: { agent: 'asleep', skill: 'read', usesAtMost: { tokens: 30 }, failover: { skill: true, after: '200ms' } },
  });
  await expect(play('taken-over')).resolves.toMatchObject(refused);
  const go = { wait: { signal: 'go' } };
  await apply(service, 'grown', { go });
  const { id } = await start(service, { workflow: 'grown', input: {} });
  await apply(service, 'grown', { go, a: { agent: 'reader', needs: ['go'], usesAtMost: { tokens: 30 } } });
  await expect(service.request(upgradeRun, { run: id })).resolves.toMatchObject({ outcome: 'upgraded' });
  await service.request(signalRun, { run: id, name: 'go', data: null });
  await expect(ended(service, id)).resolves.toMatchObject(refused);
}, 30_000);

test('a period that has passed begins anew, by the clock of the database', async () => {
  await using _ = reader(30);
  const made = await limit('workspace', 30, { period: 'day' });
  expect(Date.parse(made.renewsAt ?? '')).toBeGreaterThan(Date.now());
  await expect(play('one')).resolves.toMatchObject({ status: 'succeeded' });
  await expect(settled('workspace')).resolves.toMatchObject({ spent: { tokens: 30 } });
  await expect(play('one')).resolves.toMatchObject({ error: { next: expect.stringContaining('next day') } });
  await service.database.sql(`UPDATE budget SET period_start = period_start - interval '1 day'`);
  await expect(service.request(getBudget, { scope: 'workspace' })).resolves.toMatchObject({ spent: { tokens: 0 } });
  await expect(play('one')).resolves.toMatchObject({ status: 'succeeded' });
  await expect(settled('workspace')).resolves.toMatchObject({ spent: { tokens: 30 } });
});

test('a limit may be lowered below what is spent; a budget that is gone holds nobody up; a raised one lets runs go on', async () => {
  await using _ = reader(30);
  await limit('workspace', 60);
  await expect(play('one')).resolves.toMatchObject({ status: 'succeeded' });
  await settled('workspace');
  await expect(limit('workspace', 10)).resolves.toMatchObject({ limit: { tokens: 10 }, spent: { tokens: 30 }, version: 2 });
  await expect(play('one')).resolves.toMatchObject({ status: 'failed' });
  await limit('workspace', 70);
  await expect(play('one')).resolves.toMatchObject({ status: 'succeeded' });
  await service.request(deleteBudget, { scope: 'workspace' });
  await expect(play('one')).resolves.toMatchObject({ status: 'succeeded' });
});

test('another workspace neither sees a budget nor counts for it', async () => {
  await using _ = reader();
  await limit('workspace', 10);
  const as = { workspace: newUuid() };
  await expect(service.request(listBudgets, {}, { as })).resolves.toEqual({ data: [], nextCursor: null });
  await expect(service.request(getBudget, { scope: 'workspace' }, { as })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(deleteBudget, { scope: 'workspace' }, { as })).rejects.toMatchObject({ code: 'not_found' });
  await service.request(applyBudget, { scope: 'workspace', limit: { tokens: 5 } }, { as });
  await expect(service.request(getBudget, { scope: 'workspace' })).resolves.toMatchObject({ limit: { tokens: 10 }, version: 1 });
});

test('what cannot be a budget is refused, and a version that is not the one seen', async () => {
  for (const request of [
    { scope: 'workspace', limit: {} },
    { scope: 'team/a', limit: { tokens: 1 } },
    { scope: 'workspace', limit: { tokens: -1 } },
    { scope: 'workspace', limit: { tokens: 1.5 } },
    { scope: 'workspace', limit: { tokens: 1 }, period: 'week' },
  ]) {
    await expect(service.request(applyBudget, request as ApplyBudgetRequest)).rejects.toMatchObject({ code: 'invalid' });
  }
  await limit('workspace', 1, { expectedVersion: 0 });
  await expect(limit('workspace', 2, { expectedVersion: 0 })).rejects.toMatchObject({ code: 'conflict' });
  await expect(service.request(applyBudget, { scope: 'workspace', limit: { tokens: 1 } })).resolves.toMatchObject({ action: 'unchanged' });
  await limit('agent/reader', 1);
  const page = await service.request(listBudgets, { limit: 1 });
  expect(page.data.map(({ scope }) => scope)).toEqual(['agent/reader']);
  await expect(service.request(listBudgets, { limit: 1, cursor: page.nextCursor! })).resolves.toMatchObject({
    data: [{ scope: 'workspace' }],
    nextCursor: null,
  });
});

test('what a manifest says is compared with what stands; labels and what it is for stay where they are not said', async () => {
  const said = { scope: 'workflow/one', limit: { tokens: 100 }, labels: { team: 'a' }, description: 'for the night' };
  const looked = await service.request(applyBudget, { ...said, dryRun: true });
  expect(looked).toMatchObject({ action: 'created', resource: { version: 0, labels: { team: 'a' } } });
  await expect(service.request(getBudget, { scope: 'workflow/one' })).rejects.toMatchObject({ code: 'not_found' });
  await service.request(applyBudget, said);
  await expect(service.request(applyBudget, said)).resolves.toMatchObject({ action: 'unchanged', changes: [] });
  const changed = { ...said, limit: { tokens: 50 }, labels: {} };
  const changes = [
    { path: 'metadata.labels', from: { team: 'a' } },
    { path: 'spec.limit.tokens', from: 100, to: 50 },
  ];
  await expect(service.request(applyBudget, { ...changed, dryRun: true })).resolves.toMatchObject({ action: 'updated', changes });
  await expect(limit('workflow/one', 60)).resolves.toMatchObject({ version: 2, labels: { team: 'a' }, description: 'for the night' });
  await expect(limit('workflow/one', 60, { description: '', labels: {} })).resolves.toMatchObject({ labels: {}, description: null });
  for (const labels of [{ team: 1 }, { team: 'x'.repeat(256) }, Object.fromEntries(list(33).map((n) => [`l${n}`, '']))])
    await expect(limit('workspace', 1, { labels: labels as Record<string, string> })).rejects.toMatchObject({ code: 'invalid' });
});

test('what an ended run has left is settled by its journal, what no run is known of counts as used', async () => {
  await using _ = reader(30);
  await limit('workspace', 1_000);
  const run = await play('one');
  const { spent } = await settled('workspace');
  expect(spent.tokens).toBe(30);
  // As an owner leaves it that is killed between the end and the settling; and one whose run was deleted before it was settled.
  await service.database.sql(`UPDATE budget SET given_tokens = 150, spent_tokens = 0`);
  await service.database.sql(
    `INSERT INTO budget_slice (run_id, workspace, scope, tokens) SELECT run_id, workspace, 'workspace', 100 FROM run WHERE run_id = (SELECT max(run_id::text)::uuid FROM run WHERE workflow = 'one')`,
  );
  await service.database.sql(
    `INSERT INTO budget_slice (run_id, workspace, scope, tokens) SELECT '${newUuid()}', workspace, scope, 50 FROM budget`,
  );
  await expect(settled('workspace')).resolves.toMatchObject({ spent: { tokens: 80 }, given: { tokens: 0 } });
  expect(run.status).toBe('succeeded');
}, 40_000);
