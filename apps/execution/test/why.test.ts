import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { releaseRun } from '@signalbox/shared/contracts/execution/release-run.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { whyRun, type WhyRunReply } from '@signalbox/shared/contracts/execution/why-run.js';
import { heldBackText } from '@signalbox/shared/contracts/protocol/breaker.js';
import { startTask } from '@signalbox/shared/contracts/protocol/start-task.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { Culprit } from '../src/shards/culprit.ts';
import { Engine } from '../src/shards/engine.ts';
import { apply, ended, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;
const foreign = { workspace: '01900000-0000-7000-8000-00000000000b' };

beforeAll(async () => {
  service = await startExecution({
    nobody: { kind: 'worker' },
    single: { kind: 'worker', concurrency: 1 },
    busy: { kind: 'worker' },
    skilled: { kind: 'worker', skills: ['read', 'write'] },
    broken: { kind: 'http' },
  });
  await service.answer(startTask, () => {
    throw new Fault('unavailable', `${heldBackText('agent/broken')}, since it failed several times in a row`, 'Wait.', {
      retryAfterMs: 200,
    });
  });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

/** Asks until the root cause is of this kind. */
async function why(run: string, kind: string, key?: string): Promise<WhyRunReply> {
  let last: WhyRunReply | undefined;
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(20)) {
    last = await service.request(whyRun, { run, ...(key !== undefined && { key }) });
    if (last.chain.at(-1)?.kind === kind) return last;
  }
  throw new Error(`the cause is another: ${JSON.stringify(last, null, 1)}`);
}

test('a step that waits for steps leads down to the one that has no worker', async () => {
  await apply(service, 'chain', {
    a: { agent: 'nobody' },
    b: { agent: 'nobody', needs: ['a'] },
    c: { value: 1, needs: ['b'] },
    pause: { wait: '1h' },
    d: { value: 1, needs: ['pause', 'c'] },
  });
  const { id } = await start(service, { workflow: 'chain' });
  const { chain, open } = await why(id, 'no-worker', 'd');
  expect(chain.map(({ step, kind, on }) => [step, kind, on])).toEqual([
    ['d', 'step', 'step:c'],
    ['c', 'step', 'step:b'],
    ['b', 'step', 'step:a'],
    ['a', 'no-worker', 'agent:nobody'],
  ]);
  expect(chain[0]?.because).toBe('c has not ended, nor has pause');
  expect(chain.at(-1)).toMatchObject({ run: id, status: 'queued', because: 'no worker of nobody is connected' });
  expect(chain.at(-1)?.next).toContain('Start a worker of nobody');
  expect(open).toEqual([
    { kind: 'no-worker', count: 1, step: 'a' },
    { kind: 'time', count: 1, step: 'pause' },
  ]);
  expect((await why(id, 'no-worker')).chain.map(({ step }) => step)).toEqual(['a']);
  await expect(service.request(whyRun, { run: id, key: 'x' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(whyRun, { run: id }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
  await service.request(cancelRun, { run: id });
  expect((await service.request(whyRun, { run: id })).chain).toMatchObject([{ kind: 'cancelled', step: null }]);
  expect((await service.request(whyRun, { run: id, key: 'c' })).chain).toMatchObject([{ kind: 'cancelled', step: 'c' }]);
});

test('a limit names the runs that hold its places, and full workers those that keep them busy', async () => {
  await apply(service, 'limited', { only: { agent: 'single' } });
  await apply(service, 'full', { task: { agent: 'busy' } });
  const idle = new Promise<never>(() => undefined);
  await using single = new TestWorker(service, 'single', () => idle);
  await using busy = new TestWorker(service, 'busy', () => idle, 1);
  const first = await start(service, { workflow: 'limited' });
  await until(service, first.id, ({ progress }) => progress.running === 1);
  const second = await start(service, { workflow: 'limited' });
  const limit = (await why(second.id, 'limit')).chain.at(-1);
  expect(limit).toMatchObject({ on: 'agent:single', because: 'all 1 places of single are taken, and 1 task waits' });
  expect(limit?.holders).toEqual([
    { run: first.id, step: 'only', instance: single.instance, since: expect.any(String) as unknown as string },
  ]);
  expect((await why(first.id, 'running')).chain.at(-1)?.because).toContain(`is under way on ${single.instance} since `);

  const third = await start(service, { workflow: 'full' });
  await until(service, third.id, ({ progress }) => progress.running === 1);
  busy.kill(); // it has one task, and asks for no other
  await sleep(600);
  const fourth = await start(service, { workflow: 'full' });
  const full = (await why(fourth.id, 'workers-full')).chain.at(-1);
  expect(full).toMatchObject({ on: 'agent:busy', holders: [{ run: third.id, step: 'task', instance: busy.instance }] });
  await service.request(cancelRun, { run: third.id });
  await service.request(cancelRun, { run: fourth.id });
  await service.request(cancelRun, { run: first.id });
  await service.request(cancelRun, { run: second.id });
});

test('a skill that no free worker offers is named', async () => {
  await apply(service, 'skills', { a: { agent: 'skilled', skill: 'paint' } });
  const { leaseTasks } = await import('@signalbox/shared/contracts/execution/lease-tasks.js');
  const asking = service.request(
    leaseTasks,
    { agent: 'skilled', instance: 'w1', credit: 1, waitMs: 3_000, skills: ['read'] },
    { as: { principal: 'agent_skilled', name: 'skilled', roles: ['agent'] }, timeoutMs: 5_000 },
  );
  const { id } = await start(service, { workflow: 'skills' });
  expect((await why(id, 'skill')).chain.at(-1)?.because).toBe('no free worker of skilled offers the skill paint');
  await service.request(cancelRun, { run: id });
  await asking;
});

test('a signal, a time, a retry, an open breaker and a child run are causes with what to do next', async () => {
  await apply(service, 'signalled', { ok: { wait: { signal: 'approved', timeout: '1h' } } });
  await apply(service, 'parent', { below: { workflow: 'signalled' }, after: { value: 1, needs: ['below'] } });
  const parent = await start(service, { workflow: 'parent' });
  const { chain } = await why(parent.id, 'signal', 'after');
  expect(chain.map(({ kind, step }) => [kind, step])).toEqual([
    ['step', 'after'],
    ['child', 'below'],
    ['signal', 'ok'],
  ]);
  const [, child, signal] = chain;
  expect(child?.on).toBe(`run:${signal?.run ?? ''}`);
  expect(signal).toMatchObject({ on: 'signal:approved', until: expect.any(String) as unknown as string });
  expect(signal?.next).toBe(`Send it: signalbox signal ${signal?.run ?? ''} approved`);
  await service.request(cancelRun, { run: parent.id });

  await apply(service, 'held', { a: { agent: 'broken' } });
  const held = await start(service, { workflow: 'held' });
  expect((await why(held.id, 'breaker')).chain.at(-1)).toMatchObject({
    on: 'agent:broken',
    next: expect.stringContaining('Mend broken') as unknown as string,
  });
  await service.request(cancelRun, { run: held.id });

  await apply(service, 'retries', { a: { agent: 'skilled', retry: { attempts: 3, backoff: { initialMs: 60_000, maxMs: 60_000 } } } });
  const retried = await start(service, { workflow: 'retries' });
  let attempts = 0;
  await using _worker = new TestWorker(service, 'skilled', () => {
    attempts++;
    return { error: { code: 'unavailable', detail: 'no paper', next: 'Add paper.' } };
  });
  const retry = (await why(retried.id, 'retry', 'a')).chain.at(-1);
  expect(retry).toMatchObject({ status: 'waiting', next: 'Add paper.', until: expect.any(String) as unknown as string });
  expect(retry?.because).toMatch(/^attempt 1 failed \(unavailable: no paper\), the next begins at /);
  expect(attempts).toBe(1);
  await service.request(cancelRun, { run: retried.id });
});

test('of items the one that needs a person first is told, and of ended steps how they ended', async () => {
  await apply(service, 'items', {
    each: { agent: 'nobody', forEach: '${{ [1, 2, 3] }}', maxParallel: 2 },
    skipped: { value: 1, if: '${{ false }}' },
    done: { value: 1 },
  });
  const { id } = await start(service, { workflow: 'items' });
  const { chain, open } = await why(id, 'no-worker', 'each[2]');
  expect(chain.map(({ kind, step }) => [kind, step])).toEqual([
    ['items', 'each[2]'],
    ['no-worker', 'each[0]'],
  ]);
  expect(open).toEqual([{ kind: 'no-worker', count: 2, step: 'each[0]' }]);
  expect((await why(id, 'skipped', 'skipped')).chain).toMatchObject([{ status: 'skipped', next: null }]);
  expect((await why(id, 'succeeded', 'done')).chain).toMatchObject([{ status: 'succeeded' }]);
  await service.request(cancelRun, { run: id });

  await apply(service, 'tidies', { a: { agent: 'nobody' } }, { finally: { tidy: { value: 1 } } });
  const tidies = await start(service, { workflow: 'tidies' });
  expect((await why(tidies.id, 'no-worker', 'tidy')).chain.map(({ step, because }) => [step, because])).toEqual([
    ['tidy', 'the other steps have not ended'],
    ['a', 'no worker of nobody is connected'],
  ]);
  await service.request(cancelRun, { run: tidies.id });

  await apply(service, 'asks', { a: { agent: 'busy', onCrash: 'ask' } });
  const asks = await start(service, { workflow: 'asks' });
  const dies = new TestWorker(service, 'busy', () => new Promise<never>(() => undefined));
  await until(service, asks.id, ({ progress }) => progress.running === 1);
  dies.kill();
  const lost = (await why(asks.id, 'lost')).chain.at(-1);
  expect(lost?.next).toBe(`Say what follows: signalbox resolve ${asks.id} a retry, fail or output`);
  await service.request(cancelRun, { run: asks.id });

  await apply(service, 'fails', { a: { value: '${{ input.missing.field }}' } });
  const failed = await start(service, { workflow: 'fails' });
  await ended(service, failed.id);
  expect((await service.request(whyRun, { run: failed.id })).chain).toMatchObject([
    { kind: 'failed', step: null },
    { kind: 'failed', step: 'a' },
  ]);
});

/** Starts a run that waits for the signal `go`; resolves when nothing of it is in memory. */
async function restingRun(workflow: string): Promise<{ id: string; uuid: string }> {
  const { id } = await start(service, { workflow });
  const uuid = toUuid(id, 'run');
  const isResting = `SELECT 1 FROM run WHERE run_id = '${uuid}' AND wake_at IS NOT NULL`;
  while ((await service.database.sql(isResting)).length === 0) await sleep(20);
  return { id, uuid };
}

const say = (run: string, data: unknown): Promise<unknown> => service.request(signalRun, { run, name: 'go', data });
const died = (uuid: string): Promise<unknown> =>
  service.database.sql(`INSERT INTO run_crash (run_id, owner) SELECT '${uuid}', gen_random_uuid() FROM generate_series(1, 3)`);

test('a run whose record cannot be read is set aside after three times, alone; released once that is mended it goes on', async () => {
  await apply(service, 'word', { word: { wait: { signal: 'go' } } }, { outputs: '${{ steps.word.output }}' });
  const { id, uuid } = await restingRun('word');
  const other = await restingRun('word');
  const [row] = await service.database.sql<{ body: Buffer; seq: number }>(
    `SELECT seq, body FROM journal WHERE run_id = '${uuid}' ORDER BY seq LIMIT 1`,
  );
  await service.database.sql(`UPDATE journal SET body = '[{"t":' WHERE run_id = '${uuid}' AND seq = ${row?.seq ?? 0}`);
  // A word that came while nobody owned it has it loaded.
  await service.database.sql(
    `INSERT INTO inbox (run_id, id, shard, workspace, event) SELECT run_id, gen_random_uuid(), shard, workspace, $1 FROM run WHERE run_id = '${uuid}'`,
    [JSON.stringify({ type: 'signal', id: 'once', hash: 'x', name: 'go', data: 'kept' })],
  );
  // Before that, nobody can say anything of it.
  const isAside = `SELECT 1 FROM run WHERE run_id = '${uuid}' AND reason = 'quarantined'`;
  while ((await service.database.sql(isAside)).length === 0) await sleep(20);
  const { chain } = await why(id, 'quarantined');
  expect(chain).toMatchObject([{ run: id, step: null, status: 'waiting', next: expect.stringContaining(`signalbox release ${id}`) }]);
  expect(chain[0]?.because).toMatch(/3 times/);
  expect(await service.request(getRun, { run: id })).toMatchObject({ status: 'waiting', reason: 'quarantined' });
  expect((await service.request(listRuns, { status: ['waiting'], workflow: 'word' })).data).toContainEqual(
    expect.objectContaining({ id, reason: 'quarantined' }),
  );
  await say(other.id, 'through');
  expect(await ended(service, other.id)).toMatchObject({ output: 'through' });

  await expect(service.request(cancelRun, { run: id })).rejects.toMatchObject({
    code: 'conflict',
    next: expect.stringContaining('release'),
  });
  const told = await service.request(listRunEvents, { run: id, limit: 1 });
  expect(told).toMatchObject({ data: [], hasMore: true });
  const rest = await service.request(listRunEvents, { run: id, after: told.through! });
  expect(rest.data.map(({ type }) => type)).toContain('run.quarantined');
  await expect(say(id, 'late')).rejects.toMatchObject({ code: 'conflict' });
  await expect(service.request(releaseRun, { run: id, action: 'go-on' }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(releaseRun, { run: other.id, action: 'go-on' })).rejects.toMatchObject({ code: 'conflict' });

  await expect(service.request(releaseRun, { run: id, action: 'go-on' })).rejects.toMatchObject({
    code: 'conflict',
    detail: expect.stringContaining('cannot be read'),
  });
  await service.database.sql(`UPDATE journal SET body = $1 WHERE run_id = '${uuid}' AND seq = ${row?.seq ?? 0}`, [row?.body]);
  await service.request(releaseRun, { run: id, action: 'go-on' });
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: 'kept' });
  const { data } = await service.request(listRunEvents, { run: id });
  expect(data.map(({ type }) => type)).toEqual(expect.arrayContaining(['run.quarantined', 'run.released', 'run.succeeded']));
  expect(await service.database.sql(`SELECT 1 FROM run_crash WHERE run_id = '${uuid}'`)).toEqual([]);
}, 60_000);

test('F18: a run that three owners died of is set aside before it is loaded again; when a person fails it, its parent hears of it', async () => {
  await apply(service, 'above-word', { child: { workflow: 'word' } });
  const { id, uuid } = await restingRun('above-word');
  const [child] = await service.database.sql<{ run_id: string }>(`SELECT run_id FROM run WHERE parent = '${uuid}'`);
  const word = fromUuid('run', child?.run_id ?? '');
  // Of an owner that lives, the row only says what it is at.
  await died(child?.run_id ?? '');
  await service.database.sql(`INSERT INTO run_crash SELECT '${uuid}', owner FROM replica WHERE lease_until > now()`);
  await expect(say(word, 'x')).rejects.toMatchObject({ code: 'conflict' });
  await why(word, 'quarantined');
  expect((await why(id, 'quarantined')).chain.map(({ kind }) => kind)).toEqual(['child', 'quarantined']);
  const failed = await service.request(releaseRun, { run: word, action: 'fail' });
  expect(failed).toMatchObject({ status: 'failed', reason: 'quarantined', error: { code: 'internal' } });
  expect(await ended(service, id)).toMatchObject({ status: 'failed', error: { detail: expect.stringContaining('set aside') } });
  await expect(service.request(releaseRun, { run: word, action: 'fail' })).rejects.toMatchObject({ code: 'conflict' });
}, 60_000);

test('what handles a run throws: the run is loaded again from its record, and what was said to it is said again', async () => {
  const { id } = await start(service, { workflow: 'word' });
  const uuid = toUuid(id, 'run');
  const live = service.app.get(Engine).owner.find(uuid);
  Object.defineProperty(live?.state.steps[0]?.units[0], 'status', { get: () => assert.fail('half done') });
  await expect(say(id, 'again')).rejects.toMatchObject({ code: 'unavailable' });
  await until(service, id, ({ status }) => status === 'waiting');
  await say(id, 'again');
  expect(await ended(service, id)).toMatchObject({ output: 'again' });
  expect(await service.database.sql(`SELECT 1 FROM run_crash WHERE run_id = '${uuid}'`)).toHaveLength(1);
});

test('which run an owner hangs in is written down while it hangs, and taken back when it does not any more', async () => {
  const culprit = new Culprit();
  const [uuid, owner] = [randomUUID(), randomUUID()];
  culprit.start(service.database.url('system'), owner);
  const look = `const { Client } = require('pg'); (async () => { const client = new Client({ connectionString: process.argv[1] }); await client.connect();
    const text = "SELECT 1 FROM run_crash WHERE run_id = '${uuid}' AND owner = '${owner}'";
    while ((await client.query(text)).rowCount === 0) await new Promise((resolve) => setTimeout(resolve, 20)); process.exit(0); })()`;
  const hang = (): unknown => execFileSync(process.execPath, ['-e', look, service.database.url('owner')], { timeout: 30_000 });
  try {
    culprit.during(randomUUID(), () => culprit.during(uuid, hang));
    while ((await service.database.sql(`SELECT 1 FROM run_crash WHERE owner = '${owner}'`)).length > 0) await sleep(20);
  } finally {
    await culprit.stop();
  }
}, 60_000);
