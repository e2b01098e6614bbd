import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyBudget } from '@signalbox/shared/contracts/execution/apply-budget.js';
import { getBudget } from '@signalbox/shared/contracts/execution/get-budget.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { expectExact } from './exact.ts';
import { OwnerProcess, untilShared } from './owner-process.ts';
import { apply, ended, insist, start, startExecution, TestWorker } from './peers.ts';

let service: ServiceUnderTest;
let owners: OwnerProcess[];
const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

beforeAll(async () => {
  service = await startExecution({ counter: { kind: 'worker' } });
  await service.stop();
  owners = list(2).map(() => new OwnerProcess(service));
  await untilShared(service, 2);
  const retry = { attempts: 20, backoff: { initialMs: 50, factor: 1, maxMs: 50 } };
  await insist(() => apply(service, 'map', { all: { forEach: list(20), agent: 'counter', retry, usesAtMost: { tokens: 30 } } }));
}, 120_000);

afterAll(async () => {
  for (const owner of owners ?? []) owner.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

test('a budget above runs is neither overshot nor leaked when owners are killed', async () => {
  let used = 0;
  await using worker = new TestWorker(
    service,
    'counter',
    async () => {
      used += 20;
      await sleep(25);
      return { output: 1, usage: { inputTokens: 20, outputTokens: 0, costUsd: 0 } };
    },
    64,
  );
  await insist(() => service.request(applyBudget, { scope: 'workspace', limit: { tokens: 8_000 } }));
  const runs = await Promise.all(list(30).map(() => start(service, { workflow: 'map', input: {} })));
  for (const how of ['kill', 'end', 'kill'] as const) {
    const done = worker.done.length;
    for (const end = performance.now() + 5_000; worker.done.length < done + 40 && performance.now() < end;) await sleep(20);
    const [leaving] = owners.splice(0, 1) as [OwnerProcess];
    leaving[how]();
    await sleep(500);
    owners.push(new OwnerProcess(service));
  }
  let told = 0;
  for (const { id } of runs) {
    const { usage, budgets } = await ended(service, id, 60_000);
    const part = budgets?.find(({ of }) => of === 'workspace');
    expect(part?.spent ?? 0).toBeLessThanOrEqual(part?.limit ?? 0);
    told += usage.inputTokens + (part?.unreported ?? 0);
    await expectExact(service, id);
  }
  const budget = () => insist(() => service.request(getBudget, { scope: 'workspace' }));
  const settled = async () => {
    for (let now = await budget(); ; now = await budget()) {
      if (now.given.tokens === 0) return now;
      await sleep(100);
    }
  };
  const { spent } = await settled();
  // Attempts whose use nobody told are taken to have used all that was set aside for them.
  expect(spent.tokens).toBe(told);
  expect(spent.tokens).toBeLessThanOrEqual(8_000);
  expect(used).toBeLessThanOrEqual(spent.tokens);
  await expect(service.database.sql(`SELECT count(*)::int AS n FROM budget_slice`)).resolves.toEqual([{ n: 0 }]);
}, 180_000);
