import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelRunOperation } from '@signalbox/shared/contracts/execution/cancel-run-operation.js';
import { getRunOperation, type GetRunOperationReply } from '@signalbox/shared/contracts/execution/get-run-operation.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { listRunProblems } from '@signalbox/shared/contracts/execution/list-run-problems.js';
import { listRunOperations } from '@signalbox/shared/contracts/execution/list-run-operations.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { startRunOperation, type StartRunOperationRequest } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { newId, toUuid } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;
let isBroken = true;
let worker: TestWorker;

beforeAll(async () => {
  service = await startExecution({ idle: { kind: 'worker' }, works: { kind: 'worker' } });
  await apply(service, 'waits', { go: { wait: { signal: 'go' } } });
  await apply(service, 'other', { go: { wait: { signal: 'go' } } });
  await apply(service, 'breaks', { first: { value: 1 }, work: { agent: 'works', needs: ['first'] } });
  worker = new TestWorker(service, 'works', ({ input }) =>
    isBroken && input !== 'unlocked' ? { error: { code: 'forbidden', detail: 'the safe is locked' } } : { output: 'open' },
  );
}, 120_000);

afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
});

async function doneWith(operation: string, timeoutMs = 20_000): Promise<GetRunOperationReply> {
  let last: GetRunOperationReply | undefined;
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await sleep(20)) {
    last = await insist(() => service.request(getRunOperation, { operation }));
    if (last.status !== 'running') return last;
  }
  throw new Error(`the operation goes on: ${JSON.stringify(last)}`);
}

async function begin(request: StartRunOperationRequest): Promise<string> {
  const { operation } = await service.request(startRunOperation, request);
  return operation?.id ?? '';
}

async function startMany(workflow: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number++) ids.push((await start(service, { workflow })).id);
  return ids;
}

test('all runs that a filter means are cancelled, after a look at them, and no others', async () => {
  const audit = await service.record(auditEvents.execution);
  const ids = await startMany('waits', 70);
  const [other] = await startMany('other', 1);
  const request = { action: 'cancel' as const, filter: { workflow: 'waits', status: ['waiting' as const] } };
  const preview = await service.request(startRunOperation, { ...request, dryRun: true });
  expect(preview).toMatchObject({ operation: null, count: 70, isMore: false });
  // Nobody has agreed to what begins while one looks.
  const [unseen] = await startMany('waits', 1);
  expect(preview.sample.map(({ id }) => id)).toEqual(ids.slice(-10).reverse());
  expect((await service.request(listRuns, { status: ['waiting'], workflow: 'waits' })).data).toHaveLength(50);
  const keyed = { ...request, before: preview.before, idempotencyKey: 'k1' };
  const [id, again] = [await begin(keyed), await begin(keyed)];
  expect(again).toBe(id);
  await expect(service.request(startRunOperation, { ...keyed, action: 'retry' })).rejects.toMatchObject({ code: 'conflict' });
  const late = (await startMany('waits', 1))[0] as string;
  expect(await doneWith(id)).toMatchObject({ status: 'done', total: 70, done: 70, failed: 0, failures: [], startedBy: 'test' });
  expect((await service.request(listRuns, { status: ['cancelled'], workflow: 'waits', limit: 200 })).data).toHaveLength(70);
  for (const run of [unseen as string, late, other as string]) expect((await service.request(getRun, { run })).status).toBe('waiting');
  expect((await service.request(listRunOperations, {})).data.map((each) => each.id)).toContain(id);
  await audit.next(({ action }) => action === 'run.cancel-many');
  await doneWith(await begin({ action: 'cancel', ids: [unseen as string, late, other as string] }));
  expect((await service.request(getRun, { run: late })).status).toBe('cancelled');
});

test('what failed is done again once the cause is mended, and children with the run that they belong to', async () => {
  await apply(service, 'above', { below: { workflow: 'breaks' } });
  const ids = await startMany('breaks', 3);
  const [parent] = await startMany('above', 1);
  for (const id of [...ids, parent as string]) await ended(service, id);
  const open = { problem: 'open' as const };
  const problems = await service.request(listRunProblems, {});
  expect(problems).toMatchObject({
    data: [
      { errorCode: 'forbidden', workflow: 'breaks', failedStep: 'work', count: 3, lastRun: ids.at(-1), detail: 'work: the safe is locked' },
      { errorCode: 'forbidden', workflow: 'above', failedStep: 'below', count: 1, lastRun: parent },
    ],
    nextCursor: null,
    isMore: false,
  });
  expect(Date.parse(problems.data[0]?.firstAt ?? '')).toBeLessThanOrEqual(Date.parse(problems.data[0]?.lastAt ?? ''));
  const first = await service.request(listRunProblems, { limit: 1 });
  const second = await service.request(listRunProblems, { limit: 1, cursor: first.nextCursor as string });
  expect([...first.data, ...second.data]).toEqual(problems.data);
  expect((await service.request(listRunProblems, { workflow: 'above', q: 'SAFE' })).data).toHaveLength(1);
  expect((await service.request(listRunProblems, { startedAfter: new Date(Date.now() + 60_000).toISOString() })).data).toEqual([]);
  expect((await service.request(listRuns, open)).data).toHaveLength(4);
  isBroken = false;
  const done = await doneWith(await begin({ action: 'retry', filter: { ...open, errorCode: 'forbidden' } }));
  expect(done).toMatchObject({ total: 4, done: 4, failed: 0 });
  expect((await service.request(listRuns, open)).data).toEqual([]);
  expect((await service.request(listRunProblems, {})).data).toEqual([]);
  expect((await service.request(listRuns, { problem: 'replayed' })).data).toHaveLength(4);
  const { data } = await service.request(listRuns, { labels: { 'forked-from': ids[0] as string } });
  expect(data).toHaveLength(1);
  expect(await ended(service, data[0]?.id ?? '')).toMatchObject({ status: 'succeeded', output: { work: 'open' } });
  isBroken = true;
});

test('of a run that went on from a failure, what failed and what follows it is done again; a failure that needs no cure is dismissed', async () => {
  await apply(service, 'goes-on', {
    work: { forEach: ['unlocked', 'safe'], agent: 'works', with: '${{ item }}', onError: 'continue' },
    after: { value: '${{ steps.work.output }}' },
  });
  const [first, second] = (await startMany('goes-on', 2)) as [string, string];
  for (const id of [first, second]) await ended(service, id);
  isBroken = false;
  await doneWith(await begin({ action: 'retry', ids: [first] }));
  const { data } = await service.request(listRuns, { labels: { 'forked-from': first } });
  expect(await ended(service, data[0]?.id ?? '')).toMatchObject({ output: { after: ['open', 'open'] } });
  expect(worker.done.filter(({ input }) => input === 'unlocked')).toHaveLength(2);
  expect(await doneWith(await begin({ action: 'dismiss', filter: { workflow: 'goes-on' }, note: 'known' }))).toMatchObject({
    total: 1,
    done: 1,
  });
  expect((await service.request(listRuns, { problem: 'dismissed' })).data.map(({ id }) => id)).toEqual([second]);
  expect((await service.request(listRuns, { problem: 'open', workflow: 'goes-on' })).data).toEqual([]);
  isBroken = true;
});

test('what cannot be done is told run by run', async () => {
  const [run] = (await startMany('waits', 1)) as [string];
  const failed = await doneWith(await begin({ action: 'fork', ids: [(await startMany('breaks', 1))[0] as string], from: ['work'] }));
  expect(failed.total + failed.failed).toBeLessThanOrEqual(2); // it may have ended when it was looked at, or not
  const [ends] = (await startMany('breaks', 1)) as [string];
  await ended(service, ends);
  const operation = await doneWith(await begin({ action: 'fork', ids: [ends, run], from: ['nothing'] }));
  expect(operation).toMatchObject({ status: 'done', total: 1, done: 0, failed: 1, failures: [{ run: ends, code: 'invalid' }] });
  expect(operation.failures[0]?.detail).toContain('has no step nothing');
  for (const bad of [{}, { ids: [run], filter: {} }, { ids: [run], from: ['a'] }])
    await expect(service.request(startRunOperation, { action: 'cancel', ...bad })).rejects.toMatchObject({ code: 'invalid' });
  await expect(service.request(startRunOperation, { action: 'fork', ids: [run] })).rejects.toMatchObject({ code: 'invalid' });
  const viewer = { as: { roles: ['viewer' as const] } };
  await expect(service.request(startRunOperation, { action: 'cancel', filter: {} }, viewer)).rejects.toMatchObject({ code: 'forbidden' });
  const foreign = { as: { workspace: '01900000-0000-7000-8000-00000000000b' } };
  const elsewhere = await service.request(startRunOperation, { action: 'cancel', filter: {}, dryRun: true }, foreign);
  expect(elsewhere).toMatchObject({ count: 0, sample: [] });
  await expect(service.request(getRunOperation, { operation: operation.id }, foreign)).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(cancelRunOperation, { operation: operation.id }, foreign)).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(getRunOperation, { operation: newId('runop') })).rejects.toMatchObject({ code: 'not_found' });
  await doneWith(await begin({ action: 'cancel', ids: [run] }));
});

test('an operation goes on after a stop in the middle of a step, does nothing twice, and ends when it is cancelled', async () => {
  const ids = await startMany('breaks', 40);
  for (const id of ids) await ended(service, id);
  // As a process leaves it that died after it had forked some of the step's runs.
  const operation = await begin({ action: 'retry', filter: { workflow: 'breaks', problem: 'open' } });
  await until(service, ids[0] as string, () => true);
  await service.stop();
  const [row] = await service.database.sql<{ done: number; total: number }>(
    `SELECT done, total FROM run_operation ORDER BY operation_id DESC LIMIT 1`,
  );
  expect(row?.total).toBeGreaterThanOrEqual(40);
  await service.database.sql(`UPDATE run_operation SET claimed_until = now() - interval '1 s' WHERE status = 'running'`);
  await service.start();
  const end = await doneWith(operation);
  expect(end).toMatchObject({ status: 'done', failed: 0, done: end.total });
  const forksOf = (): Promise<{ source: string; n: number }[]> =>
    service.database.sql(
      `SELECT labels ->> 'forked-from' AS source, count(*)::int AS n FROM run WHERE labels ->> 'forked-from' = ANY($1) GROUP BY 1 ORDER BY 1`,
      [ids],
    );
  const forks = await forksOf();
  expect(forks).toHaveLength(40);
  expect(forks.every(({ n }) => n === 1)).toBe(true);

  // As a process leaves it that died after it had forked the runs of a step and before it said so.
  await service.database.sql(
    `UPDATE run_operation SET status = 'running', done = 0, ended_at = NULL, claimed_until = now() - interval '1 s',
       open = ARRAY(SELECT run_id FROM run WHERE resolution = 'replayed' AND workflow = 'breaks' ORDER BY run_id DESC LIMIT 5)
     WHERE operation_id = (SELECT operation_id FROM run_operation ORDER BY operation_id DESC LIMIT 1)`,
  );
  expect(await doneWith(operation)).toMatchObject({ status: 'done', done: 5, failed: 0 });
  expect(await forksOf()).toEqual(forks);

  const waiting = await startMany('waits', 3);
  // Who ordered it has lost the right to act meanwhile.
  await service.database.sql(
    `UPDATE run_operation SET status = 'running', action = 'cancel', filter = '{"workflow":"waits","status":["waiting"]}', done = 0, ended_at = NULL,
       after = '00000000-0000-0000-0000-000000000000', before = 'ffffffff-ffff-ffff-ffff-ffffffffffff', grant_id = 'grant_gone', claimed_until = NULL
     WHERE operation_id = (SELECT operation_id FROM run_operation ORDER BY operation_id DESC LIMIT 1)`,
  );
  const refused = await doneWith(operation);
  expect(refused).toMatchObject({ status: 'done', done: 0 });
  expect(refused.failed).toBeGreaterThanOrEqual(3);
  expect(refused.failures.every(({ code }) => code === 'unauthenticated')).toBe(true);
  await service.database.sql(
    `INSERT INTO run_operation (workspace, operation_id, action, filter, total, after, before, principal, principal_name, grant_id, request_hash, claimed_by, claimed_until)
     SELECT workspace, gen_random_uuid(), 'cancel', '{}', 3, after, before, principal, principal_name, grant_id, 'x', gen_random_uuid(), now() + interval '1 h'
       FROM run_operation LIMIT 1`,
  );
  const [newest] = (await service.request(listRunOperations, {})).data.filter(({ status }) => status === 'running');
  const cancelled = await service.request(cancelRunOperation, { operation: newest?.id ?? '' });
  expect(cancelled).toMatchObject({ status: 'cancelled', done: 0 });
  expect(await service.request(cancelRunOperation, { operation: newest?.id ?? '' })).toMatchObject({ endedAt: cancelled.endedAt });
  for (const run of waiting) expect((await service.request(getRun, { run })).status).toBe('waiting');
}, 60_000);

test('an operation whose runs cannot be found in time ends, and says why', async () => {
  const [first, second] = (await startMany('waits', 2)) as [string, string];
  const operation = await begin({ action: 'cancel', ids: [first] });
  await doneWith(operation);
  await service.database.sql(
    `CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'canceling statement' USING ERRCODE = '57014'; END $$;
     CREATE POLICY slow ON run AS RESTRICTIVE USING (slow());
     UPDATE run_operation SET status = 'running', ended_at = NULL, claimed_until = NULL, before = 'ffffffff-ffff-ffff-ffff-ffffffffffff',
       ids = ARRAY['${toUuid(second, 'run')}'::uuid] WHERE operation_id = '${toUuid(operation, 'runop')}'`,
  );
  const end = await doneWith(operation);
  await service.database.sql(`DROP POLICY slow ON run; DROP FUNCTION slow()`);
  expect(end).toMatchObject({ status: 'failed', done: 1, reason: expect.stringMatching(/search takes too long.*Narrow/) as unknown });
  expect(end.endedAt).not.toBeNull();
}, 40_000);
