import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { listRuns, type ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { defaultWorkspace } from '@signalbox/testkit/test-issuer.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;

beforeAll(async () => {
  service = await startExecution({ idle: { kind: 'worker' }, paid: { kind: 'worker' }, other: { kind: 'worker' } });
  await apply(service, 'values', { a: { value: '${{ input }}' } });
  await apply(service, 'waits', { go: { wait: { signal: 'go' } } });
  await apply(service, 'pays', { a: { agent: 'paid', with: '${{ input }}', fallback: 'other' } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

/** All pages of a search, by id. */
async function ids(request: ListRunsRequest, limit = 2): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await service.request(listRuns, { ...request, limit, ...(cursor !== undefined && { cursor }) });
    expect(page.data.length).toBeLessThanOrEqual(limit);
    found.push(...page.data.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

test('runs that wait and runs that go on are found page by page, as they change and after a restart', async () => {
  await apply(service, 'goes', { a: { agent: 'idle' } });
  const waiting: string[] = [];
  for (let number = 0; number < 5; number++) {
    waiting.unshift((await start(service, { workflow: 'waits' })).id);
    await start(service, { workflow: 'goes' });
  }
  expect(await ids({ status: ['waiting'] })).toEqual(waiting);
  const first = await service.request(listRuns, { status: ['waiting'], limit: 3 });
  expect(first.data.map(({ status }) => status)).toEqual(['waiting', 'waiting', 'waiting']);
  const running = await ids({ status: ['running'] });
  expect(running).toHaveLength(5);
  expect(await ids({ status: ['running', 'waiting'] })).toHaveLength(10);
  expect(await ids({ status: ['queued'] })).toEqual([]);
  await service.request(signalRun, { run: waiting[0] as string, name: 'go' });
  await ended(service, waiting[0] as string);
  expect(await ids({ status: ['waiting'] })).toEqual(waiting.slice(1));
  // What a version before this one wrote is put right by who takes the run; that version let none rest.
  await service.database.sql(`UPDATE run SET standing = '{}' WHERE status = 'running' AND wake_at IS NULL`);
  await service.stop();
  await service.start();
  const taken = async (): Promise<string[]> => insist(() => ids({ status: ['waiting'] }));
  for (const until = performance.now() + 10_000; (await taken()).length < 4 && performance.now() < until;) await sleep(50);
  expect(await taken()).toEqual(waiting.slice(1));
  for (const run of [...waiting.slice(1), ...running]) await service.request(cancelRun, { run });
  expect(await ids({ status: ['waiting', 'running'] })).toEqual([]);
}, 60_000);

test('a run whose retry is due waits, and goes on', async () => {
  await apply(service, 'retries', { a: { agent: 'idle', retry: { attempts: 2, backoff: { initialMs: 4_000, maxMs: 4_000 } } } });
  let tries = 0;
  await using worker = new TestWorker(service, 'idle', () =>
    ++tries === 1 ? { error: { code: 'unavailable', detail: 'x' } } : { output: 1 },
  );
  const { id } = await start(service, { workflow: 'retries' });
  await until(service, id, ({ status }) => status === 'waiting');
  expect(await ids({ workflow: 'retries', status: ['waiting'] })).toEqual([id]);
  await ended(service, id);
  expect(await ids({ workflow: 'retries', status: ['waiting', 'running'] })).toEqual([]);
  expect(worker.done).toHaveLength(2);
});

test('runs are found by agent, cost, duration and times, and sorted by them page by page', async () => {
  const costs = [0.5, 2, 0, 1];
  await using worker = new TestWorker(service, 'paid', async ({ input }) => {
    const { cost } = input as { cost: number };
    await sleep(cost * 100);
    return { output: cost, usage: { inputTokens: 1, outputTokens: 1, costUsd: cost } };
  });
  const before = new Date(Date.now() - 1).toISOString(); // the first run may begin in the same millisecond as now
  const runs: string[] = [];
  const took = new Map<string, number>(); // a busy machine makes any of them longer
  for (const cost of costs) {
    const { id } = await start(service, { workflow: 'pays', input: { cost } });
    const { createdAt, endedAt } = await ended(service, id);
    runs.push(id);
    took.set(id, Date.parse(endedAt!) - Date.parse(createdAt));
  }
  const [half, two, nothing, one] = runs as [string, string, string, string];
  expect(await ids({ agent: 'paid' })).toEqual([one, nothing, two, half]);
  expect(await ids({ agent: 'other', sort: 'oldest' })).toEqual(runs);
  expect(await ids({ agent: 'nobody' })).toEqual([]);
  expect(await ids({ workflow: 'pays', sort: 'cost' })).toEqual([two, one, half]);
  // Of two that took the same the newer comes first.
  const longest = runs.toReversed().toSorted((a, b) => took.get(b)! - took.get(a)!);
  expect(await ids({ workflow: 'pays', sort: 'duration' }, 1)).toEqual(longest);
  expect(await ids({ workflow: 'pays', sort: 'ended' }, 1)).toEqual([one, nothing, two, half]);
  expect(await ids({ workflow: 'pays', costMin: 0.5, costMax: 1 })).toEqual([one, half]);
  const [most, , least] = longest.map((run) => took.get(run)!) as [number, number, number];
  const between = { durationMinMs: least, durationMaxMs: most, sort: 'duration' as const };
  expect(await ids({ workflow: 'pays', ...between })).toEqual(longest.filter((run) => took.get(run)! >= least));
  expect(await ids({ workflow: 'pays', startedAfter: before, endedAfter: before })).toHaveLength(4);
  expect(await ids({ workflow: 'pays', startedBefore: before })).toEqual([]);
  expect(await ids({ workflow: 'pays', endedBefore: before })).toEqual([]);
  expect(await ids({ q: ` ${two} ` })).toEqual([two]);
  const page = await service.request(listRuns, { sort: 'cost', limit: 1 });
  const cursor = page.nextCursor as string;
  await expect(service.request(listRuns, { cursor })).rejects.toMatchObject({ code: 'invalid' });
  const forged = Buffer.from(JSON.stringify(["1'; --", two])).toString('base64url');
  await expect(service.request(listRuns, { sort: 'cost', cursor: forged })).resolves.toEqual({ data: [], nextCursor: null });
  expect(worker.done).toHaveLength(4);
});

test('failures are found by code, step and words, those that a run went on from too', async () => {
  await using worker = new TestWorker(service, 'idle', () => ({ error: { code: 'forbidden', detail: 'the printer said no' } }));
  await apply(service, 'ends', { print: { agent: 'idle' } });
  await apply(service, 'goes-on', { print: { agent: 'idle', onError: 'continue' }, after: { value: 1, needs: ['print'] } });
  const failed = await start(service, { workflow: 'ends' });
  const went = await start(service, { workflow: 'goes-on' });
  await ended(service, failed.id);
  expect((await ended(service, went.id)).status).toBe('succeeded');
  expect(await ids({ errorCode: 'forbidden' })).toEqual([went.id, failed.id]);
  expect(await ids({ errorCode: 'forbidden', failedStep: 'print', status: ['failed'] })).toEqual([failed.id]);
  expect(await ids({ problem: 'open', workflow: 'goes-on' })).toEqual([went.id]);
  expect(await ids({ errorCode: 'timeout' })).toEqual([]);
  expect(await ids({ q: 'printer said' })).toEqual([failed.id]);
  expect(worker.done).toHaveLength(2);
});

test('words are looked for in many runs, page after page until they are found or no run is left', async () => {
  await service.database.sql(
    `INSERT INTO run (run_id, day, workspace, workflow, definition, shard, status, principal, principal_name, grant_id, timeout_ms, created_at, ended_at,
       progress, usage)
     SELECT ('00000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid, current_date, $1, CASE n WHEN 1 THEN 'needle' ELSE 'hay' END, 'x', 0,
       'succeeded', 'p', 'p', 'g', 1, now(), now(), '{"total":0,"done":0,"running":0,"waiting":0,"failed":0}', '{"inputTokens":0,"outputTokens":0,"costUsd":0}'
     FROM generate_series(1, 45000) n`,
    [defaultWorkspace],
  );
  expect(await ids({ q: 'needle' })).toHaveLength(1);
  expect(await ids({ q: 'nothing-like-it' })).toEqual([]);
  expect(await ids({ agent: 'paid', workflow: 'needle' })).toEqual([]);
});

test('what runs are found by is what their rows hold, also of those that a version before this one writes', async () => {
  const differing = (): Promise<object[]> =>
    service.database.sql(
      `SELECT run_id FROM run
        WHERE cost_usd IS DISTINCT FROM (usage::jsonb ->> 'costUsd')::float8
           OR duration_ms IS DISTINCT FROM round(extract(epoch FROM ended_at - created_at) * 1000)
           OR is_waiting IS DISTINCT FROM coalesce((standing ->> 'isWaiting')::boolean, false)
           OR error_code IS DISTINCT FROM coalesce(standing ->> 'errorCode', error::jsonb ->> 'code')
           OR failed_step IS DISTINCT FROM standing ->> 'failedStep'`,
    );
  const [written] = await service.database.sql<Record<string, number>>(
    `SELECT count(*) FILTER (WHERE cost_usd > 0)::int AS paid, count(failed_step)::int AS failed, count(*) FILTER (WHERE status = 'cancelled')::int AS cancelled FROM run`,
  );
  expect(Object.values(written ?? {}).every((count) => count > 0)).toBe(true);
  expect(await differing()).toEqual([]);
  // It starts a run that waits at once, has it go on, and ends it.
  const run = '00000000-ffff-7000-8000-000000000000';
  await service.database.sql(
    `INSERT INTO run (run_id, day, workspace, workflow, definition, shard, status, principal, principal_name, grant_id, timeout_ms, created_at, progress, usage, standing)
     VALUES ($1, current_date, $2, 'old', 'x', 0, 'running', 'p', 'p', 'g', 1, now(), '{}', '{}', '{"isWaiting":true}')`,
    [run, defaultWorkspace],
  );
  expect(await differing()).toEqual([]);
  await service.database.sql(`UPDATE run SET standing = standing || '{"isWaiting":false}' WHERE run_id = $1`, [run]);
  expect(await differing()).toEqual([]);
  await service.database.sql(
    `UPDATE run SET status = 'failed', ended_at = created_at + interval '3 s', error = '{"code":"timeout"}', usage = '{"costUsd":0.5}',
            standing = standing || '{"isWaiting":false,"failedStep":"a"}' WHERE run_id = $1`,
    [run],
  );
  expect(await differing()).toEqual([]);
  const found = await service.database.sql(`SELECT cost_usd, duration_ms::int AS ms, error_code, failed_step FROM run WHERE run_id = $1`, [
    run,
  ]);
  expect(found).toEqual([{ cost_usd: 0.5, ms: 3_000, error_code: 'timeout', failed_step: 'a' }]);
});
