import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { OwnPostgres } from '@signalbox/testkit/own-postgres.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { expectExact as expectJournalExact } from './exact.ts';
import { OwnerProcess } from './owner-process.ts';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

let postgres: OwnPostgres;
let service: ServiceUnderTest;

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  service = await startExecution({ counter: { kind: 'worker' } }, { postgresUrl: postgres.url });
  await insist(() => apply(service, 'chain', chain(8)));
  await apply(
    service,
    'map',
    {
      all: { forEach: '${{ input.list }}', agent: 'counter', with: '${{ item }}', retry },
      next: { agent: 'counter', with: '${{ size(steps.all.output) }}', retry },
    },
    { outputs: '${{ steps.next.output }}' },
  );
}, 180_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
}, 60_000);

const retry = { attempts: 20, backoff: { initialMs: 50, factor: 1, maxMs: 50 } };

function chain(length: number): Record<string, object> {
  return Object.fromEntries(
    Array.from({ length }, (_, number) => [
      `s${number}`,
      { agent: 'counter', with: '${{ input.n }}', retry, ...(number > 0 && { needs: [`s${number - 1}`] }) },
    ]),
  );
}

/** Every result is recorded once, no number is left out, and the run says what its journal says. */
async function expectExact(run: string, results: number): Promise<void> {
  const view = await service.request(getRun, { run });
  expect(view.status).toBe('succeeded');
  expect(view.progress.done).toBe(results);
  expect(await expectJournalExact(service, run)).toBe(results);
}

test('F04: PostgreSQL is killed and comes back under running workflows: nothing is lost and nothing recorded twice', async () => {
  await using worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(30);
    return { output: input };
  });
  const runs = await Promise.all(Array.from({ length: 6 }, (_, n) => start(service, { workflow: 'chain', input: { n } })));
  await sleep(100);
  await postgres.restart({ awayMs: 1_500 });
  for (const { id } of runs) {
    expect((await ended(service, id, 30_000)).status).toBe('succeeded');
    await expectExact(id, 8);
  }
  expect(worker.done.length).toBeGreaterThanOrEqual(48);
}, 90_000);

test('F04: while PostgreSQL is away starts are refused as unavailable, and after it they are taken', async () => {
  await postgres.end();
  let refused: unknown;
  for (
    const until = performance.now() + 15_000;
    performance.now() < until && (refused as { code?: string } | undefined)?.code !== 'unavailable';
    await sleep(100)
  ) {
    refused = await service
      .request(startRun, { workflow: 'chain', input: { n: 1 } }, { timeoutMs: 1_000 })
      .catch((error: unknown) => error);
  }
  expect(refused).toMatchObject({ code: 'unavailable', retryAfterMs: expect.any(Number) as unknown as number });
  await postgres.startAgain();
  await using worker = new TestWorker(service, 'counter', ({ input }) => ({ output: input }));
  const { id } = await start(service, { workflow: 'chain', input: { n: 1 } });
  expect((await ended(service, id, 30_000)).status).toBe('succeeded');
  expect(worker.instance).toMatch(/^w-/);
}, 90_000);

test('F19: while the disk of PostgreSQL is full starts are refused as limited, and after it they are taken', async () => {
  await service.database.sql(
    `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$;
     CREATE TRIGGER full_disk BEFORE INSERT ON journal EXECUTE FUNCTION full_disk()`,
  );
  const request = { workflow: 'chain', input: { n: 1 } };
  await expect(service.request(startRun, request, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'timeout' });
  await expect(service.request(startRun, request)).rejects.toMatchObject({
    code: 'limited',
    detail: 'PostgreSQL has no room: its disk is full',
    retryAfterMs: 5_000,
  });
  await service.database.sql(`DROP TRIGGER full_disk ON journal; DROP FUNCTION full_disk()`);
  await sleep(1_500);
  await using _ = new TestWorker(service, 'counter', ({ input }) => ({ output: input }));
  const { id } = await start(service, request);
  expect((await ended(service, id, 30_000)).status).toBe('succeeded');
}, 90_000);

test('F20: while commits are slow, a start that is asked for again by its key as often as its caller gives up is one run', async () => {
  await service.database.sql(
    `CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
     CREATE TRIGGER late AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION late()`,
  );
  const request = { workflow: 'chain', input: { n: 1 } };
  const keyed = { ...request, idempotencyKey: 'once' };
  const ahead = Array.from({ length: 8 }, () => start(service, request)); // each lane commits, and what comes now gathers
  await sleep(100);
  for (let times = 0; times < 6; times++)
    await expect(service.request(startRun, keyed, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'timeout' });
  await service.database.sql(`DROP TRIGGER late ON journal; DROP FUNCTION late()`);
  const again = await start(service, keyed);
  expect((await start(service, keyed)).id).toBe(again.id);
  expect(
    await service.database.sql(`SELECT 1 FROM run WHERE run_id IN (SELECT run_id FROM start_key WHERE key LIKE '% once')`),
  ).toHaveLength(1);
  await using _ = new TestWorker(service, 'counter', ({ input }) => ({ output: input }));
  for (const { id } of [...(await Promise.all(ahead)), again]) expect((await ended(service, id, 30_000)).status).toBe('succeeded');
}, 90_000);

test('F06: NATS is killed and comes back: workers keep their results and the runs end', async () => {
  await using worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(50);
    return { output: input };
  });
  const { id } = await start(service, { workflow: 'map', input: { list: Array.from({ length: 40 }, (_, number) => number) } });
  await sleep(100);
  await service.bus.restart(500);
  expect(await ended(service, id, 40_000)).toMatchObject({ status: 'succeeded', output: 40 });
  await expectExact(id, 41);
  expect(worker.done.length).toBeGreaterThan(0);
}, 90_000);

test('a service that stops in order gives its shards back, and the next goes on at once', async () => {
  await using worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(100);
    return { output: input };
  });
  const { id } = await start(service, { workflow: 'chain', input: { n: 2 } });
  await until(service, id, ({ progress }) => progress.done > 1);
  const before = performance.now();
  await service.stop();
  await service.start();
  expect((await ended(service, id, 30_000)).status).toBe('succeeded');
  expect(performance.now() - before).toBeLessThan(25_000);
  await expectExact(id, 8);
  expect(worker.done.length).toBeGreaterThan(1);
}, 90_000);

test('F01: owners are killed at any moment, again and again: every run ends, and each step is recorded once', async () => {
  await service.stop();
  await using worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(20);
    return { output: input };
  });
  let owner = new OwnerProcess(service);
  try {
    const wide = await start(service, {
      workflow: 'map',
      input: { list: Array.from({ length: 150 }, (_, number) => number) },
      idempotencyKey: 'wide',
    });
    const chains = await Promise.all(
      Array.from({ length: 5 }, (_, n) => start(service, { workflow: 'chain', input: { n }, idempotencyKey: `chain-${n}` })),
    );
    for (let kill = 0; kill < 4; kill++) {
      await sleep(150 + 400 * Math.random());
      owner.kill();
      owner = new OwnerProcess(service);
      const killed = performance.now();
      // A client without an answer asks again, and gets the run that it has started.
      expect(
        (
          await start(service, {
            workflow: 'map',
            input: { list: Array.from({ length: 150 }, (_, number) => number) },
            idempotencyKey: 'wide',
          })
        ).id,
      ).toBe(wide.id);
      expect(performance.now() - killed).toBeLessThan(20_000);
    }
    expect(await ended(service, wide.id, 60_000)).toMatchObject({ status: 'succeeded', output: 150 });
    await expectExact(wide.id, 151);
    for (const { id } of chains) {
      expect((await ended(service, id, 60_000)).status).toBe('succeeded');
      await expectExact(id, 8);
    }
    const epochs = await service.database.sql<{ epoch: number }>(`SELECT max(epoch) AS epoch FROM shard`);
    expect(epochs[0]?.epoch).toBeGreaterThanOrEqual(5);
  } finally {
    owner.kill();
    await service.start();
  }
  expect(worker.done.length).toBeGreaterThan(100);
}, 240_000);

test('F22: the owner of a 10,000-way join is killed twice: it is joined once, of each result once', async () => {
  await service.stop();
  await using _ = new TestWorker(service, 'counter', ({ input }) => ({ output: input }), 256);
  let owner = new OwnerProcess(service);
  try {
    const list = Array.from({ length: 10_000 }, (_, number) => number);
    const { id } = await start(service, { workflow: 'map', input: { list }, idempotencyKey: 'join' });
    for (let kill = 0; kill < 2; kill++) {
      await sleep(300);
      owner.kill();
      owner = new OwnerProcess(service);
      expect((await start(service, { workflow: 'map', input: { list }, idempotencyKey: 'join' })).id).toBe(id);
    }
    expect(await ended(service, id, 240_000)).toMatchObject({ status: 'succeeded', output: 10_000 });
    await expectExact(id, 10_001);
  } finally {
    owner.kill();
    await service.start();
  }
}, 300_000);

test('F09: an owner that was stopped for long goes on beside its successor and can write nothing', async () => {
  await service.stop();
  const first = new OwnerProcess(service);
  let second: OwnerProcess | undefined;
  await using worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(100);
    return { output: input };
  });
  try {
    const { id } = await start(service, { workflow: 'chain', input: { n: 9 } });
    await until(service, id, ({ progress }) => progress.done > 0);
    first.halt();
    second = new OwnerProcess(service);
    await sleep(6_000);
    first.goOn();
    expect((await ended(service, id, 60_000)).status).toBe('succeeded');
    await expectExact(id, 8);
  } finally {
    first.kill();
    second?.kill();
    await service.start();
  }
  expect(worker.done.length).toBeGreaterThan(0);
}, 180_000);

test('a cancel that comes while nobody owns the run is carried out by the next owner', async () => {
  const { id } = await start(service, { workflow: 'chain', input: { n: 3 } });
  await service.database.sql(
    `INSERT INTO inbox (run_id, id, shard, workspace, event) SELECT run_id, gen_random_uuid(), shard, workspace, '{"type":"cancel","by":"ann"}' FROM run ORDER BY run_id DESC LIMIT 1`,
  );
  expect(await ended(service, id, 30_000)).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann' });
  await until(service, id, () => true);
  await sleep(1_500);
  expect(await service.database.sql(`SELECT 1 FROM inbox`)).toEqual([]);
  expect(await service.request(cancelRun, { run: id })).toMatchObject({ status: 'cancelled' });
}, 60_000);
