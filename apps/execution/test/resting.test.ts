import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getRunState } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { resolveStep } from '@signalbox/shared/contracts/execution/resolve-step.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { Engine } from '../src/shards/engine.ts';
import { expectExact } from './exact.ts';
import { apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;

const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

beforeAll(async () => {
  service = await startExecution({ frail: { kind: 'worker' } });
  await insist(() => apply(service, 'word', { word: { wait: { signal: 'go' } } }, { outputs: '${{ steps.word.output }}' }));
  await apply(service, 'parent', { below: { workflow: 'word', with: {} } }, { outputs: '${{ steps.below.output }}' });
  await apply(service, 'nap', { nap: { wait: '12s' } });
  await apply(service, 'asks', { ask: { approval: 'Go on?' } });
  await apply(service, 'frail', { a: { agent: 'frail', onCrash: 'ask' } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

/** Waits until these runs rest: none is in memory, and each row says when it is due. */
async function resting(runs: readonly string[]): Promise<Date[]> {
  const { owner } = service.app.get(Engine);
  const ids = runs.map((run) => `'${toUuid(run, 'run')}'`).join();
  for (const late = performance.now() + 20_000; ; await sleep(50)) {
    const rows = await service.database.sql<{ wake_at: Date | null }>(`SELECT wake_at FROM run WHERE run_id IN (${ids}) ORDER BY run_id`);
    const isLive = runs.some((run) => owner.find(toUuid(run, 'run')));
    if (!isLive && rows.every(({ wake_at: wakeAt }) => wakeAt !== null)) return rows.map(({ wake_at: wakeAt }) => wakeAt as Date);
    if (performance.now() > late) throw new Error(`not all of ${runs.length} runs rest: ${JSON.stringify(rows.slice(0, 5))}`);
  }
}

async function said(run: string, data: string): Promise<void> {
  await insist(() => service.request(signalRun, { run, name: 'go', data, idempotencyKey: data }));
}

test('a run that only waits is in nobody’s memory, shows as it is, and goes on when it is signalled', async () => {
  const runs = await Promise.all(list(30).map(() => start(service, { workflow: 'word', labels: { of: 'resting' } })));
  const ids = runs.map(({ id }) => id);
  for (const due of await resting(ids)) expect(due.getTime()).toBeGreaterThan(Date.now() + 3_600_000); // its run’s timeout
  const [first = ''] = ids;
  expect(await until(service, first, () => true)).toMatchObject({ status: 'waiting', progress: { waiting: 1 } });
  expect(await service.request(whyRun, { run: first })).toMatchObject({ chain: [{ kind: 'signal' }] });
  expect(await service.request(getRunState, { run: first, seq: 1 })).toMatchObject({ status: 'waiting' });
  const { data } = await service.request(listRuns, { labels: { of: 'resting' }, status: ['waiting'], limit: 50 });
  expect(data).toHaveLength(30);
  await resting(ids); // looking has loaded none
  await Promise.all(ids.map((id) => said(id, id)));
  for (const id of ids) expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: id });
  for (const id of ids) await expectExact(service, id);
}, 60_000);

test('nothing in the process holds a run that rests', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { owner } = service.app.get(Engine);
  const kept: WeakRef<object>[] = [];
  const runs = await Promise.all(
    list(100).map(async () => {
      const { id } = await start(service, { workflow: 'word' });
      const live = owner.find(toUuid(id, 'run'));
      if (live) kept.push(new WeakRef(live)); // on a busy machine the first rest before the last has begun
      return id;
    }),
  );
  expect(kept.length).toBeGreaterThan(0);
  await resting(runs);
  const held = (): number => kept.filter((run) => run.deref() !== undefined).length;
  for (const late = performance.now() + 5_000; held() > 0 && performance.now() < late;) {
    await sleep(100); // a turn that has looked at one holds it to its end
    collect();
  }
  expect(held()).toBe(0);
  expect(owner.size).toBe(0);
}, 60_000);

test('a signal that comes just when a run is put to rest is not lost', async () => {
  const runs = await Promise.all(list(120).map(() => start(service, { workflow: 'word' })));
  await Promise.all(
    runs.map(async ({ id }, at) => {
      await sleep(950 + at * 5);
      await Promise.all([said(id, 'a'), said(id, 'a')]);
    }),
  );
  for (const { id } of runs) expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: 'a' });
  for (const { id } of runs) await expectExact(service, id);
}, 60_000);

test('a durable timer wakes a resting run in time', async () => {
  const runs = await Promise.all(list(20).map(() => start(service, { workflow: 'nap' })));
  const dues = await resting(runs.map(({ id }) => id));
  for (const { id } of runs) {
    const { endedAt } = await ended(service, id, 30_000);
    const lateMs = new Date(endedAt as string).getTime() - Math.max(...dues.map((due) => due.getTime()));
    expect(lateMs).toBeGreaterThan(-1_000);
    expect(lateMs).toBeLessThan(1_000);
  }
}, 60_000);

test('a resting parent hears of the end of its resting child, and a cancel of it reaches the child', async () => {
  const parents = await Promise.all(list(6).map(() => start(service, { workflow: 'parent' })));
  const childOf = async (run: string): Promise<string> => {
    const [child] = await service.database.sql<{ run_id: string }>(`SELECT run_id FROM run WHERE parent = '${toUuid(run, 'run')}'`);
    return fromUuid('run', child?.run_id as string);
  };
  for (const { id } of parents) await until(service, id, ({ status }) => status === 'waiting');
  const children = await Promise.all(parents.map(({ id }) => childOf(id)));
  await resting([...parents.map(({ id }) => id), ...children]);
  await Promise.all(children.slice(0, 3).map((child) => said(child, 'done')));
  for (const { id } of parents.slice(0, 3)) expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: 'done' });
  for (const { id } of parents.slice(3)) {
    expect(await insist(() => service.request(cancelRun, { run: id }))).toMatchObject({ status: 'cancelled' });
  }
  for (const child of children.slice(3)) expect((await ended(service, child)).status).toBe('cancelled');
}, 60_000);

test('answers, and a person’s word on a lost attempt, reach runs that rest', async () => {
  const worker = new TestWorker(service, 'frail', () => new Promise(() => undefined));
  const asked = await start(service, { workflow: 'asks' });
  const lost = await start(service, { workflow: 'frail' });
  await until(service, lost.id, ({ steps }) => steps[0]?.status === 'running');
  worker.kill();
  await until(service, lost.id, ({ steps }) => steps[0]?.waitingFor[0]?.on === 'crashed');
  await resting([asked.id, lost.id]);
  const [open] = (await service.request(listApprovals, { run: asked.id })).data;
  await service.request(answerApproval, { approval: open?.id as string, approved: true });
  expect((await ended(service, asked.id)).status).toBe('succeeded');
  expect(await service.request(resolveStep, { run: lost.id, key: 'a', action: 'output', output: 'by hand' })).toMatchObject({
    status: 'succeeded',
  });
  expect((await ended(service, lost.id)).status).toBe('succeeded');
}, 60_000);
