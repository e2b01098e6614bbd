import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { limitKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { formatTask, parseTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { tellQueue } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { leaseMs } from '@signalbox/shared/shards/lease.js';
import { placement } from '@signalbox/shared/shards/placement.js';
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

test('of starts at both owners that may not wait so many get a place as there are, and the others are refused', async () => {
  await apply(
    service,
    'strict',
    { word: { wait: { signal: 'go' } } },
    { limits: { tenant: { key: '${{ input.who }}', concurrency: 2 } }, onLimit: 'refuse' },
  );
  const starts = list(24).map(() => start(service, { workflow: 'strict', input: { who: 'max' } }).catch((thrown: unknown) => thrown));
  const outcomes = (await Promise.all(starts)) as { id?: string; code?: string }[];
  const started = outcomes.flatMap(({ id }) => id ?? []);
  expect(started).toHaveLength(2);
  expect(outcomes.filter(({ code }) => code === 'limited')).toHaveLength(22);
  for (const run of started) await insist(() => service.request(signalRun, { run, name: 'go', idempotencyKey: run }));
  for (const run of started) expect((await ended(service, run)).status).toBe('succeeded');
  expect((await start(service, { workflow: 'strict', input: { who: 'max' } })).status).toBe('waiting');
}, 60_000);

test('of runs that go for newer ones the newest stay, whichever owner has them and is killed', async () => {
  const limits = { tenant: { key: '${{ input.who }}', concurrency: 2 } };
  await apply(service, 'newest', { word: { wait: { signal: 'go' } } }, { limits, onLimit: 'replace' });
  const ids: string[] = [];
  for (const batch of [8, 8]) {
    const runs = await Promise.all(list(batch).map(() => start(service, { workflow: 'newest', input: { who: 'new' } })));
    ids.push(...runs.map(({ id }) => id));
    if (ids.length > batch) continue;
    const [leaving] = owners.splice(0, 1) as [OwnerProcess];
    leaving.kill();
    owners.push(new OwnerProcess(service));
  }
  const made = async (): Promise<string[]> =>
    (await insist(() => service.request(listRuns, { workflow: 'newest', status: ['waiting', 'running'] }))).data.map(({ id }) => id);
  await becomes(async () => (await made()).length === 2);
  const stay = await made();
  const times = new Map((await service.request(listRuns, { workflow: 'newest' })).data.map(({ id, createdAt }) => [id, createdAt]));
  const newest = [...times.values()].sort().slice(-2);
  expect(stay.map((id) => times.get(id) ?? '').sort()).toEqual(newest);
  for (const run of stay) {
    await until(service, run, ({ steps }) => steps[0]?.status === 'waiting');
    await insist(() => service.request(signalRun, { run, name: 'go', idempotencyKey: run }));
    expect((await ended(service, run, 30_000)).status).toBe('succeeded');
  }
  await untilShared(service, 2);
}, 90_000);

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
  // All places are free again, those too of attempts whose end the dead had not told.
  const held = async (): Promise<number> => {
    const { data } = await service.request(listLimits, { kind: 'limit', q: 'customer' });
    return data.reduce((sum, { key, running }) => sum + (keys.includes(key ?? '') ? running : 0), 0);
  };
  await becomes(async () => (await insist(held)) === 0);
  crowd.clear();
  await untilShared(service, 2);
  const { id } = await start(service, { workflow: 'map', input: { who: 'ann', list: list(4) } });
  await until(service, id, ({ status }) => status === 'succeeded');
  expect(crowd.most('ann')).toBe(2);
}, 180_000);

test('of whole runs never more than may be are under way while owners are killed, those that rest keep their places, and each begins in the end', async () => {
  const limits = { tenant: { key: '${{ input.who }}', concurrency: 2 } };
  const retry = { attempts: 20, backoff: { initialMs: 50, factor: 1, maxMs: 50 } };
  const step = { agent: 'counter', with: '${{ input.who }}', retry };
  await insist(() => apply(service, 'whole', { first: step, then: { ...step, needs: ['first'] } }, { limits }));
  await apply(service, 'word', { word: { wait: { signal: 'go' } } }, { limits });
  const words = await Promise.all(list(4).map(() => insist(() => start(service, { workflow: 'word', input: { who: 'rest' } }))));
  const rests = async (): Promise<number> =>
    (await service.database.sql(`SELECT 1 FROM run WHERE workflow = 'word' AND wake_at IS NOT NULL AND places IS NOT NULL`)).length;
  await becomes(async () => (await rests()) === 4);
  await using worker = new TestWorker(service, 'counter', ({ input }) => crowd.pass(String(input), 25), 64);
  crowd.clear();
  const runs = await Promise.all(list(60).map((n) => start(service, { workflow: 'whole', input: { who: keys[n % 4] ?? '' } })));
  for (const how of ['kill', 'kill'] as const) {
    const done = worker.done.length;
    await becomes(() => Promise.resolve(worker.done.length >= Math.min(done + 15, 120)));
    const [leaving] = owners.splice(0, 1) as [OwnerProcess];
    leaving[how]();
    owners.push(new OwnerProcess(service));
  }
  for (const { id } of runs) {
    expect((await ended(service, id, 60_000)).status).toBe('succeeded');
    await expectExact(service, id);
  }
  for (const who of keys) expect(crowd.most(who)).toBeLessThanOrEqual(2);
  const shown = async (id: string): Promise<string> => (await insist(() => service.request(whyRun, { run: id }))).chain[0]?.kind ?? '';
  const has = async (): Promise<string[]> => Promise.all(words.map(({ id }) => shown(id)));
  await becomes(async () => (await has()).toSorted().join() === 'limit,limit,signal,signal');
  for (const left of [...words.keys()].reverse()) {
    const at = (await has()).indexOf('signal');
    const id = words.splice(at, 1)[0]?.id ?? '';
    await insist(() => service.request(signalRun, { run: id, name: 'go', idempotencyKey: id }));
    expect((await ended(service, id, 30_000)).status).toBe('succeeded');
    await becomes(async () => (await has()).filter((kind) => kind === 'signal').length === Math.min(left, 2));
  }
}, 180_000);

test('a limit that was taken over gives no place before the owner that loads for longer than a lease has told who holds some', async () => {
  await untilShared(service, 2);
  const sql = service.database.sql.bind(service.database);
  await becomes(async () => (await sql(`SELECT 1 FROM shard WHERE told <> epoch`)).length === 0);
  const living = (await sql<{ owner: string }>(`SELECT owner::text FROM replica WHERE lease_until > now()`)).map(({ owner }) => owner);
  const [dying, loading] = [newUuid(), newUuid()];
  const own = async (owner: string, shards: number[]): Promise<void> => {
    await becomes(
      async () => (await sql(`SELECT 1 FROM shard WHERE owner = ANY($1::uuid[]) AND shard = ANY($2)`, [living, shards])).length === 0,
    );
    await sql(`UPDATE shard SET owner = $1, epoch = epoch + 1 WHERE shard = ANY($2)`, [owner, shards]);
  };
  const ofOwner = (places: (string | undefined)[], owner: string): number[] =>
    places.flatMap((place, shard) => (place === owner ? [shard] : []));
  const before = placement([...living, dying, loading].sort());
  const after = placement([...living, loading].sort());
  await sql(`INSERT INTO replica (owner, lease_until, tells) SELECT unnest($1::uuid[]), now() + interval '1 hour', true`, [
    [dying, loading],
  ]);
  await own(dying, ofOwner(before, dying));
  await sql(`UPDATE shard SET told = epoch WHERE owner = $1`, [dying]);
  await own(loading, ofOwner(before, loading));

  const [row] = await sql<{ workspace: string }>(`SELECT workspace FROM workflow LIMIT 1`);
  const { workspace } = row!;
  const shardOf = (who: string): number => shardOfQueue(limitKey(workspace, 'customer', who));
  const who = list(10_000)
    .map((n) => `customer-${n}`)
    .find((name) => before[shardOf(name)] === dying && living.includes(after[shardOf(name)] ?? ''))!;
  const shard = shardOf(who);
  // The keeper of the limit dies; of its shards some go to the one that still loads.
  await sql(`UPDATE replica SET lease_until = now() WHERE owner = $1`, [dying]);
  await own(
    loading,
    ofOwner(after, loading).filter((each) => before[each] === dying),
  );
  await using worker = new TestWorker(service, 'shy', () => ({ output: null }));
  const { id } = await insist(() => start(service, { workflow: 'hangs', input: { who } }));
  const why = async (): Promise<string> => (await insist(() => service.request(whyRun, { run: id }))).chain.at(-1)?.because ?? '';
  await becomes(async () => (await why()).includes('being counted after a move'));
  await sleep(leaseMs + 1_000); // whoever waited for a lease alone has given the place by now
  expect(await why()).toContain('being counted after a move');

  const claim = { workspace, name: 'customer', key: who, concurrency: 2, priority: 3, step: 'a', since: Date.now() };
  const theirs = ofOwner(after, loading)[0]!;
  const held = list(2).map((index) => {
    const run = fromUuid('run', newUuid().slice(0, -2) + theirs.toString(16).padStart(2, '0'));
    return { type: 'held' as const, task: formatTask({ run, step: 0, index, attempt: 1 }), claim };
  });
  await insist(() => service.request(tellQueue, { words: held }, { as: 'execution', from: 'execution', shard }));
  await sql(`UPDATE shard SET told = epoch WHERE owner = $1`, [loading]);
  await becomes(async () => (await why()).includes(`all 2 places of the limit customer for ${who} are taken`));
  // It may have done what the test before left in its queue.
  expect(worker.done.filter(({ task }) => parseTask(task).run === id)).toEqual([]);
  // Its successor knows nothing of them: they are free.
  await sql(`DELETE FROM replica WHERE owner = ANY($1::uuid[])`, [[dying, loading]]);
  expect((await ended(service, id, 60_000)).status).toBe('succeeded');
}, 120_000);

async function becomes(condition: () => Promise<boolean>, timeoutMs = 40_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !(await condition()); await sleep(50))
    if (performance.now() > end) throw new Error('what was waited for did not come about');
}
