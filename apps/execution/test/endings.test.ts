import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout } from 'node:timers/promises';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { getStep } from '@signalbox/shared/contracts/execution/get-step.js';
import { leaseTasks } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { resolveStep } from '@signalbox/shared/contracts/execution/resolve-step.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { answerAsProtocol, apply, ended, start, startExecution, TestWorker, until } from './peers.ts';

/** Work that outlives its test and does not hold it up. */
const sleep = (ms: number): Promise<void> => setTimeout(ms, undefined, { ref: false });

let service: ServiceUnderTest;
let call: (task: StartTaskRequest) => Promise<TaskResult> | TaskResult = () => ({ output: null });
let seen: StartTaskRequest[] = [];

beforeAll(async () => {
  service = await startExecution({ web: { kind: 'http' }, frail: { kind: 'worker' }, nobody: { kind: 'worker' }, shy: { kind: 'worker' } });
  await answerAsProtocol(service, (task) => {
    seen.push(task);
    return call(task);
  });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

async function begin(name: string, steps: Record<string, object>, rest: object = {}, input: unknown = {}): Promise<string> {
  seen = [];
  await apply(service, name, steps, rest);
  return (await start(service, { workflow: name, input })).id;
}

async function play(...args: Parameters<typeof begin>): ReturnType<typeof ended> {
  return ended(service, await begin(...args));
}

const failing = (...steps: string[]): typeof call => {
  return ({ step = '' }) => (steps.includes(step) ? { error: { code: 'invalid', detail: 'no' } } : { output: `did ${step}` });
};

const told = { tell: { agent: 'web', with: { how: '${{ run.status }}', why: '${{ run.error }}', did: '${{ steps.work.status }}' } } };

test('finally runs after a success and after a failure, and sees how it went', async () => {
  call = failing();
  const good = await play('tidy-good', { work: { agent: 'web' } }, { finally: told });
  expect(good).toMatchObject({ status: 'succeeded', output: { work: 'did work' } });
  expect(good.steps.map(({ key, part, status }) => [key, part, status])).toEqual([
    ['work', 'main', 'succeeded'],
    ['tell', 'finally', 'succeeded'],
  ]);
  expect(seen.at(-1)?.input).toEqual({ how: 'succeeded', why: null, did: 'succeeded' });

  call = failing('work');
  const bad = await play('tidy-bad', { work: { agent: 'web' } }, { finally: told });
  expect(bad).toMatchObject({ status: 'failed', error: { code: 'invalid', detail: 'work: no' } });
  expect(seen.at(-1)?.input).toEqual({ how: 'failed', why: { code: 'invalid', detail: 'work: no' }, did: 'failed' });
});

test('a cancel leads to finally, which the same cancel does not end and another does', async () => {
  call = ({ step }) => sleep(step === 'work' ? 30_000 : 60_000).then(() => ({ output: 1 }));
  const id = await begin('tidy-cancel', { work: { agent: 'web' } }, { finally: told });
  const waiting = await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  expect(waiting.steps[1]?.waitingFor).toEqual([{ on: 'end', because: 'the other steps have not ended' }]);
  const cancel = { run: id, idempotencyKey: 'one' };
  expect(await service.request(cancelRun, cancel)).toMatchObject({ status: 'running', reason: 'finishing' });
  await until(service, id, ({ steps }) => steps[1]?.status === 'running');
  await service.request(cancelRun, cancel);
  await service.request(cancelRun, { run: id });
  expect(await until(service, id, ({ reason }) => reason === 'finishing')).toMatchObject({ status: 'running', endedAt: null });
  expect(await service.request(cancelRun, { run: id, idempotencyKey: 'two' })).toMatchObject({
    status: 'cancelled',
    reason: expect.stringMatching(/^cancelled by /) as string,
  });
  const { data } = await service.request(listRunEvents, { run: id });
  expect(data.map(({ type }) => type)).toEqual([
    'run.started',
    'step.queued',
    'step.started',
    'run.ending',
    'step.queued',
    'step.started',
    'run.cancelled',
  ]);
});

test('finally has a timeout of its own, and one that fails makes the run fail', async () => {
  call = () => sleep(20_000).then(() => ({ output: 1 }));
  const late = await play('tidy-late', { work: { value: 1 } }, { finally: told, finallyTimeout: '300ms' });
  expect(late).toMatchObject({ status: 'failed', error: { code: 'timeout', detail: expect.stringContaining('finally') as string } });
  call = failing('tell');
  expect(await play('tidy-fails', { work: { value: 1 } }, { finally: told })).toMatchObject({
    status: 'failed',
    error: { detail: 'tell: no' },
  });
});

const saga = {
  book: { tool: 'hotel/book', compensate: { tool: 'hotel/free', with: { id: '${{ steps.book.output }}' } } },
  pay: {
    needs: ['book'],
    forEach: ['ann', 'bob'],
    tool: 'bank/pay',
    with: { who: '${{ item }}' },
    compensate: {
      tool: 'bank/refund',
      with: { of: '${{ item }}', paid: '${{ steps.pay.output }}' },
      retry: { attempts: 2, backoff: { initialMs: 10 } },
    },
  },
  send: { needs: ['pay'], tool: 'post/send', with: {} },
};

test('what was done is undone when the run fails, what came last first, and a fork does it again', async () => {
  call = failing('send');
  const run = await play('saga', saga);
  expect(run).toMatchObject({ status: 'failed', error: { detail: 'send: no' } });
  expect(run.notUndone).toBeUndefined();
  const critical = run.steps.filter(({ onCriticalPath }) => onCriticalPath).map(({ step }) => step);
  expect([...new Set(critical)]).toEqual(['book', 'pay', 'send', 'book.undo', 'pay.undo']);
  const undone = seen.filter(({ step }) => step?.includes('.undo'));
  expect(undone.slice(0, 2).map(({ tool, input }) => [tool, input])).toEqual(
    expect.arrayContaining([
      ['bank/refund', { of: 'ann', paid: 'did pay[0]' }],
      ['bank/refund', { of: 'bob', paid: 'did pay[1]' }],
    ]),
  );
  expect(undone[2]).toMatchObject({ tool: 'hotel/free', input: { id: 'did book' } });
  expect(new Set(seen.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(seen.length);
  expect(await service.request(getStep, { run: run.id, key: 'pay.undo[1]' })).toMatchObject({ part: 'undo', status: 'succeeded' });
  call = failing();
  seen = [];
  const fork = await ended(service, (await service.request(forkRun, { run: run.id })).id);
  expect(fork.status).toBe('succeeded');
  expect(seen.map(({ step }) => step)).toEqual(['book', expect.stringMatching(/^pay/), expect.stringMatching(/^pay/), 'send']);
  expect(fork.steps.map(({ part }) => part)).toEqual(['main', 'main', 'main', 'main']);
  await expect(service.request(forkRun, { run: run.id, from: ['book.undo'] })).rejects.toMatchObject({ code: 'invalid' });
});

test('what cannot be undone is named, and the rest is undone all the same', async () => {
  call = ({ step = '' }) =>
    step === 'pay.undo[0]'
      ? { error: { code: 'internal', detail: 'closed' } }
      : step === 'send'
        ? { error: { code: 'invalid', detail: 'no' } }
        : { output: 1 };
  const run = await play('saga-stuck', saga, { finally: told.tell ? { note: { value: '${{ run.status }}' } } : {} });
  expect(run).toMatchObject({
    status: 'failed',
    reason: 'not undone: pay[0]',
    error: { detail: 'send: no' },
    notUndone: [{ step: 'pay[0]', error: { code: 'internal', detail: 'closed' } }],
  });
  expect(seen.filter(({ step }) => step === 'pay.undo[0]')).toHaveLength(2);
  expect(run.steps.filter(({ key }) => key === 'book.undo' || key === 'note').map(({ status }) => status)).toEqual([
    'succeeded',
    'succeeded',
  ]);
});

test('items may fail up to a share of them', async () => {
  call = failing('map[1]', 'map[3]');
  const steps = (maxFailures: number | string): Record<string, object> => ({
    map: { forEach: [0, 1, 2, 3], agent: 'web', maxFailures },
    after: { value: '${{ steps.map.errors.map(e, e.index) }}', needs: ['map'] },
  });
  expect(await play('share-fits', steps('50%'))).toMatchObject({ status: 'succeeded', output: { after: [1, 3] } });
  expect(await play('share-over', steps(1))).toMatchObject({ status: 'failed', error: { code: 'invalid' } });
});

test('each timeout says which it was', async () => {
  expect(await play('late-queue', { a: { agent: 'nobody', timeouts: { queue: '200ms' } } })).toMatchObject({
    status: 'failed',
    reason: 'timeout',
    error: { code: 'timeout', detail: 'a: attempt 1 was not accepted within its queue timeout of 200 ms' },
  });
  const retry = { attempts: 50, backoff: { initialMs: 50, factor: 1 } };
  call = () => ({ error: { code: 'internal', detail: 'again' } });
  expect(await play('late-total', { a: { agent: 'web', retry, timeouts: { total: '400ms' } } })).toMatchObject({
    error: { code: 'timeout', detail: 'a: all attempts and waits together took longer than the total timeout of 400 ms' },
  });
  call = () => sleep(20_000).then(() => ({ output: 1 }));
  expect(await play('late-attempt', { a: { agent: 'web', timeouts: { attempt: '200ms' } } })).toMatchObject({
    error: { code: 'timeout', detail: 'a: attempt 1 took longer than its timeout of 200 ms' },
  });
});

test('a task that was handed over and is not accepted is late by its start timeout', async () => {
  const id = await begin('late-start', { a: { agent: 'shy', timeouts: { start: '300ms' } } });
  // It takes tasks, and says nothing of them.
  const shy = { principal: 'agent_shy', name: 'shy', roles: ['agent' as const] };
  const { tasks } = await service.request(leaseTasks, { agent: 'shy', instance: 'w-shy', credit: 1, waitMs: 2_000 }, { as: shy });
  expect(tasks).toHaveLength(1);
  expect(await ended(service, id)).toMatchObject({
    error: { code: 'timeout', detail: 'a: attempt 1 was handed over and not accepted within its start timeout of 300 ms' },
  });
});

test('a person says what follows a lost attempt', async () => {
  const id = await begin('lost-ask', { a: { agent: 'frail', onCrash: 'ask' }, b: { needs: ['a'], value: '${{ steps.a.output }}' } });
  const first = new TestWorker(service, 'frail', () => sleep(60_000).then(() => ({ output: 1 })));
  await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  await expect(service.request(resolveStep, { run: id, key: 'a', action: 'retry' })).rejects.toMatchObject({ code: 'conflict' });
  first.kill();
  const waiting = await until(service, id, ({ steps }) => steps[0]?.waitingFor[0]?.on === 'crashed');
  expect(waiting).toMatchObject({
    status: 'waiting',
    steps: [{ status: 'waiting', attempts: [{ number: 1, error: { code: 'unavailable' } }] }, {}],
  });
  await expect(service.request(resolveStep, { run: id, key: 'nope', action: 'retry' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(resolveStep, { run: newId('run'), key: 'a', action: 'retry' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(resolveStep, { run: id, key: 'a', action: 'fail', output: 1 })).rejects.toMatchObject({ code: 'invalid' });

  const again = { run: id, key: 'a', action: 'retry' as const, idempotencyKey: 'one' };
  expect(await service.request(resolveStep, again)).toMatchObject({ key: 'a', attempts: [{ number: 1 }, { number: 2 }] });
  expect(await service.request(resolveStep, again)).toMatchObject({ attempts: [{}, {}] });
  const second = new TestWorker(service, 'frail', () => sleep(60_000).then(() => ({ output: 1 })));
  await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  second.kill();
  await until(service, id, ({ steps }) => steps[0]?.waitingFor[0]?.on === 'crashed');
  await service.request(resolveStep, { run: id, key: 'a', action: 'output', output: { by: 'hand' } });
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: { b: { by: 'hand' } } });
  const { data } = await service.request(listRunEvents, { run: id });
  expect(data.filter(({ type }) => type === 'step.resolved').map(({ message }) => message?.split(',')[0])).toEqual(['retry', 'output']);
}, 60_000);

test('where a lost attempt may not be repeated the step fails, and its begin was written before it began', async () => {
  const id = await begin('lost-fail', { a: { agent: 'frail', onCrash: 'fail', retry: { attempts: 5 }, fallback: 'web' } });
  let tell: (committed: string[]) => void = () => undefined;
  const begun = new Promise<string[]>((resolve) => (tell = resolve));
  const worker = new TestWorker(service, 'frail', async () => {
    // Only what is committed is listed: the answer that let the worker begin came after.
    tell((await service.request(listRunEvents, { run: id })).data.map(({ type }) => type));
    return sleep(60_000).then(() => ({ output: 1 }));
  });
  expect(await begun).toContain('step.started');
  worker.kill();
  expect(await ended(service, id)).toMatchObject({
    status: 'failed',
    error: { code: 'unavailable' },
    steps: [{ attempts: [{ number: 1 }] }],
  });
}, 60_000);

test('the timers of what runs at the end, of the queue and of all attempts go on with the next owner', async () => {
  const tidying = await begin('owner-tidy', { work: { value: 1 } }, { finally: { tell: { agent: 'nobody' } }, finallyTimeout: '3s' });
  const queued = await begin('owner-queue', { a: { agent: 'nobody', timeouts: { queue: '3s' } } });
  const total = await begin('owner-total', { a: { agent: 'nobody', timeouts: { total: '3s' } } });
  await until(service, tidying, ({ reason }) => reason === 'finishing');
  await service.stop();
  await service.start();
  const runs = await Promise.all([tidying, queued, total].map((id) => ended(service, id)));
  expect(runs.map(({ error }) => /finally|queue|total/.exec(error?.detail ?? '')?.[0])).toEqual(['finally', 'queue', 'total']);
  for (const { startedAt, endedAt } of runs) expect(Date.parse(endedAt ?? '') - Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(3_000);
}, 60_000);
