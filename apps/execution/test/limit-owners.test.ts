import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { Crowd } from './crowd.ts';
import { expectExact } from './exact.ts';
import { OwnerProcess, untilShared } from './owner-process.ts';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;
let owners: OwnerProcess[];
const crowd = new Crowd();
const keys = ['ann', 'bob', 'eve', 'joe'];
const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

beforeAll(async () => {
  service = await startExecution({ counter: { kind: 'worker' }, shy: { kind: 'worker' } });
  await service.stop();
  owners = list(2).map(() => new OwnerProcess(service));
  await untilShared(service, 2);
  const retry = { attempts: 20, backoff: { initialMs: 50, factor: 1, maxMs: 50 } };
  const limits = { customer: { key: '${{ input.who }}', concurrency: 2 } };
  await insist(() =>
    apply(service, 'map', { all: { forEach: '${{ input.list }}', agent: 'counter', with: '${{ input.who }}', retry, limits } }),
  );
  await apply(service, 'hangs', { a: { agent: 'shy', limits } });
}, 120_000);

afterAll(async () => {
  for (const owner of owners ?? []) owner.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

test('runs of both owners share the places of a limit, whoever keeps it, and why one waits is known everywhere', async () => {
  await using _worker = new TestWorker(service, 'shy', () => new Promise(() => undefined));
  const runs = await Promise.all(list(6).map(() => start(service, { workflow: 'hangs', input: { who: 'zoe' } })));
  const causes = async (): Promise<string[]> =>
    Promise.all(runs.map(async ({ id }) => (await insist(() => service.request(whyRun, { run: id }))).chain.at(-1)?.because ?? ''));
  const isWaiting = (because: string): boolean => /all 2 places of the limit customer for zoe are taken, and of 4 that wait/.test(because);
  let seen: string[] = [];
  for (const end = performance.now() + 10_000; seen.filter(isWaiting).length < 4 && performance.now() < end; await sleep(50))
    seen = await causes();
  expect(seen.filter(isWaiting)).toHaveLength(4);
  expect(new Set(seen.filter(isWaiting).map((because) => because.slice(-1)))).toEqual(new Set(['1', '2', '3', '4']));
  const { data, missing, calls } = await service.request(listLimits, {});
  expect(missing).toBe(0);
  expect(calls.places).toBe(2 * 448);
  expect(data).toMatchObject([
    { kind: 'limit', name: 'customer', key: 'zoe', waiting: 4, running: 2 },
    { kind: 'agent', name: 'shy', running: 2 },
  ]);
}, 60_000);

test('never more than its places are under way while owners are killed and leave, and none is lost', async () => {
  await using worker = new TestWorker(service, 'counter', ({ input }) => crowd.pass(String(input), 25), 64);
  const runs = await Promise.all(
    list(3).flatMap(() => keys.map((who) => start(service, { workflow: 'map', input: { who, list: list(40) } }))),
  );
  for (const how of ['kill', 'end', 'kill'] as const) {
    const done = worker.done.length;
    for (const end = performance.now() + 30_000; worker.done.length < done + 60 && performance.now() < end;) await sleep(20);
    expect(worker.done.length).toBeGreaterThanOrEqual(done + 60);
    const [leaving] = owners.splice(0, 1) as [OwnerProcess];
    leaving[how]();
    await sleep(500);
    owners.push(new OwnerProcess(service));
  }
  for (const { id } of runs) {
    expect((await ended(service, id, 60_000)).status).toBe('succeeded');
    await expectExact(service, id);
  }
  for (const who of keys) expect(crowd.most(who)).toBe(2);
  // All places are free again.
  crowd.clear();
  await untilShared(service, 2);
  const { id } = await start(service, { workflow: 'map', input: { who: 'ann', list: list(4) } });
  await until(service, id, ({ status }) => status === 'succeeded');
  expect(crowd.most('ann')).toBe(2);
}, 180_000);
