import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { applyTrigger } from '@signalbox/shared/contracts/execution/apply-trigger.js';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { listTriggerFirings } from '@signalbox/shared/contracts/execution/list-trigger-firings.js';
import { runEnded } from '@signalbox/shared/contracts/execution/run-changed.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { formatTask, shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { Client } from 'pg';
import { expectExact } from './exact.ts';
import { OwnerProcess, untilShared } from './owner-process.ts';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

// Failures at moments that other tests meet by chance: each is held until the owner is where it is to fail.

let service: ServiceUnderTest;
let owners: OwnerProcess[] = [];
const as = { principal: 'agent_counter', name: 'counter', roles: ['agent' as const] };

beforeAll(async () => {
  service = await startExecution({ counter: { kind: 'worker' } });
  await service.stop();
}, 120_000);

beforeEach(() => {
  owners = [new OwnerProcess(service)];
});

afterEach(async () => {
  for (const owner of owners) owner.kill();
  await Promise.all(owners.map(({ exitCode }) => exitCode));
});

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
}, 60_000);

async function untilSql(text: string): Promise<void> {
  for (const end = performance.now() + 20_000; (await service.database.sql(text)).length === 0; await sleep(20)) {
    if (performance.now() > end) throw new Error(`not so in time: ${text}`);
  }
}

/**
 * Has `begin` lead to a commit, and `fail` done to its owner before it hears of it: PostgreSQL waits with the statement for a lock of ours, and then
 * commits it, whoever asked for it.
 */
async function failAtCommit(begin: () => void, fail: () => unknown): Promise<void> {
  const client = new Client({ connectionString: service.database.url('owner') });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query(`LOCK TABLE journal IN SHARE MODE`);
    begin();
    await untilSql(`SELECT 1 FROM pg_locks WHERE relation = 'journal'::regclass AND NOT granted`);
    await fail();
  } finally {
    await client.end();
  }
}

test('an owner is killed after the last commit of a run, before anybody was told: its parent, its event and its trigger are told by the next', async () => {
  await insist(() => apply(service, 'last', { word: { wait: { signal: 'go' } } }, { outputs: '${{ steps.word.output }}' }));
  await apply(service, 'above', { child: { workflow: 'last' } }, { outputs: '${{ steps.child.output }}' });
  await apply(service, 'told', { a: { value: '${{ input.said }}' } }, { outputs: '${{ steps.a.output }}' });
  const spec = { workflow: 'told', on: { runEnded: { workflow: 'last' } }, input: { said: '${{ event.run.output }}' } };
  const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Trigger', metadata: { name: 'on-last' }, spec };
  await service.request(applyTrigger, { name: 'on-last', manifest });
  const ends = await service.record(runEnded);
  const above = await start(service, { workflow: 'above' });
  await untilSql(`SELECT 1 FROM run WHERE workflow = 'last' AND (standing->>'isWaiting')::boolean`);
  const [row] = await service.database.sql<{ run_id: string }>(`SELECT run_id FROM run WHERE workflow = 'last'`);
  const child = fromUuid('run', row?.run_id ?? '');
  const [owner] = owners as [OwnerProcess];
  await failAtCommit(
    // Whoever says it gets no answer.
    () => void service.request(signalRun, { run: child, name: 'go', data: 7 }).catch(() => undefined),
    () => {
      owner.kill();
      return owner.exitCode;
    },
  );
  await untilSql(`SELECT 1 FROM run WHERE workflow = 'last' AND status = 'succeeded'`);
  expect(await service.database.sql(`SELECT 1 FROM run WHERE workflow = 'above' AND status = 'running'`)).toHaveLength(1);
  expect(ends.heard).toEqual([]);
  owners.push(new OwnerProcess(service));
  expect(await ended(service, above.id)).toMatchObject({ status: 'succeeded', output: 7 });
  await ends.next(({ id }) => id === child);
  await untilSql(`SELECT 1 FROM run WHERE workflow = 'told' AND status = 'succeeded'`);
  expect((await service.request(listTriggerFirings, { name: 'on-last' })).data).toMatchObject([{ outcome: 'started' }]);
  expect(ends.heard.filter(({ payload }) => payload.id === child)).toHaveLength(1);
  for (const id of [child, above.id]) await expectExact(service, id);
  ends.stop();
}, 60_000);

test('an owner stops between a commit and its dispatch and goes on when its successor has ended the attempt: it is not begun', async () => {
  await insist(() => apply(service, 'late', { a: { agent: 'counter' } }));
  const [first] = owners as [OwnerProcess];
  await failAtCommit(
    () => void service.request(startRun, { workflow: 'late' }).catch(() => undefined),
    () => first.halt(),
  );
  await untilSql(`SELECT 1 FROM run WHERE workflow = 'late'`);
  // The owner that stands still would be given half of what is asked: the cancel comes by the inbox.
  const [row] = await service.database.sql<{ run_id: string }>(
    `INSERT INTO inbox (run_id, id, shard, workspace, event) SELECT run_id, gen_random_uuid(), shard, workspace, '{"type":"cancel","by":"ann"}'
      FROM run WHERE workflow = 'late' RETURNING run_id`,
  );
  owners.push(new OwnerProcess(service));
  await untilSql(`SELECT 1 FROM run WHERE workflow = 'late' AND status = 'cancelled'`);
  await untilShared(service, 1);
  const begun: string[] = [];
  await using worker = new TestWorker(service, 'counter', ({ task }) => {
    begun.push(task);
    return { output: null };
  });
  first.goOn();
  // It has heard of the commit, dispatched what it would have, and has shards again.
  await untilSql(`SELECT 1 FROM shard HAVING count(DISTINCT owner) = 2`);
  const id = fromUuid('run', row?.run_id ?? '');
  const task = formatTask({ run: id, step: 0, index: -1, attempt: 1 });
  const { instance } = worker;
  const asked = insist(() => service.request(acceptWork, { task, instance }, { as, shard: shardOfTask(task) }));
  await expect(asked).rejects.toMatchObject({ code: 'conflict' });
  expect(await ended(service, id)).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann' });
  expect(begun).toEqual([]);
  await expectExact(service, id);
}, 60_000);

test('F13: a worker that finishes while nobody owns the shard keeps its result until somebody does, and it is recorded once', async () => {
  const result = Promise.withResolvers<void>();
  const begun: string[] = [];
  await using worker = new TestWorker(service, 'counter', async ({ task }) => {
    begun.push(task);
    await result.promise;
    return { output: 'kept' };
  });
  await insist(() => apply(service, 'kept', { a: { agent: 'counter' } }, { outputs: '${{ steps.a.output }}' }));
  const { id } = await start(service, { workflow: 'kept' });
  await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  const [owner] = owners as [OwnerProcess];
  owner.kill();
  await owner.exitCode;
  result.resolve();
  const [task] = begun as [string];
  const report = { task, instance: worker.instance, output: 'kept' };
  await expect(service.request(completeWork, report, { as, shard: shardOfTask(task) })).rejects.toMatchObject({ code: 'unavailable' });
  expect(worker.done).toEqual([]);
  owners.push(new OwnerProcess(service));
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: 'kept', steps: [{ attempts: [{ number: 1 }] }] });
  for (const end = performance.now() + 5_000; worker.done.length === 0 && performance.now() < end;) await sleep(20);
  expect(worker.done.map((each) => each.task)).toEqual([task]);
  expect(begun).toEqual([task]);
  expect(await expectExact(service, id)).toBe(1);
}, 60_000);
