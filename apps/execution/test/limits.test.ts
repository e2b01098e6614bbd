import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { whyRun, type WhyRunReply } from '@signalbox/shared/contracts/execution/why-run.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../src/shards/engine.ts';
import { Crowd } from './crowd.ts';
import { answerAsProtocol, apply, ended, insist, start, startExecution, TestWorker, until } from './peers.ts';

let service: ServiceUnderTest;
const crowd = new Crowd();
const foreign = { workspace: '01900000-0000-7000-8000-00000000000b' };
/** Tools that are being called, each with what ends it. */
const calls: { run: string; end: () => void }[] = [];
const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

beforeAll(async () => {
  service = await startExecution({ counter: { kind: 'worker' }, single: { kind: 'worker', concurrency: 1 }, frail: { kind: 'worker' } });
  await answerAsProtocol(
    service,
    ({ task }) => new Promise((resolve) => calls.push({ run: task.split('.')[0] ?? '', end: () => resolve({ output: null }) })),
  );
}, 120_000);

afterEach(() => crowd.clear());

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

async function whyUntil(run: string, is: (why: WhyRunReply) => boolean): Promise<WhyRunReply> {
  let last: WhyRunReply | undefined;
  for (const deadline = performance.now() + 10_000; performance.now() < deadline; await sleep(20)) {
    last = await service.request(whyRun, { run });
    if (is(last)) return last;
  }
  throw new Error(`the cause is another: ${JSON.stringify(last, null, 1)}`);
}

test('of steps with one key so many are under way at once, in whatever workflow; another key has places of its own', async () => {
  await using _worker = new TestWorker(service, 'counter', ({ input }) => crowd.pass(String(input)), 64);
  const step = { forEach: '${{ input.list }}', agent: 'counter', with: '${{ input.who }}' };
  const limits = { customer: { key: '${{ input.who }}', concurrency: 2 }, all: { concurrency: 3 } };
  await apply(service, 'first', { a: { ...step, limits } });
  await apply(service, 'second', { a: { ...step, limits } });
  const runs = await Promise.all(
    ['first', 'second', 'first'].flatMap((workflow) =>
      ['ann', 'bob'].map((who) => start(service, { workflow, input: { who, list: list(5) } })),
    ),
  );
  for (const { id } of runs) expect((await ended(service, id)).status).toBe('succeeded');
  expect(crowd.most('ann')).toBe(2);
  expect(crowd.most('bob')).toBe(2);
  expect(crowd.mostOfAll).toBe(3);
});

test('a key that cannot be computed fails its step, and says where it stands', async () => {
  await apply(service, 'keyless', { a: { agent: 'counter', limits: { each: { key: '${{ input.who }}', concurrency: 1 } } } });
  const { id } = await start(service, { workflow: 'keyless', input: { who: [1] } });
  expect((await ended(service, id)).error).toMatchObject({
    code: 'invalid',
    detail: 'a: /spec/steps/a/limits/each/key: the key of a limit must be a text, a number, true or false, not a list',
  });
});

test('no place is lost with a step that fails, is cancelled, is late, or whose worker dies', async () => {
  const limits = { one: { concurrency: 1 } };
  const once = { attempts: 1 };
  await apply(service, 'fails', { a: { agent: 'counter', with: 'fail', retry: once, limits } });
  await apply(service, 'hangs', { a: { agent: 'frail', retry: once, limits } });
  await apply(service, 'late', { a: { agent: 'counter', retry: once, timeouts: { queue: '300ms' }, limits } });
  await using _worker = new TestWorker(service, 'counter', ({ input }) =>
    input === 'fail' ? { error: { code: 'internal', detail: 'it failed' } } : { output: null },
  );
  const frail = new TestWorker(service, 'frail', () => new Promise(() => undefined));
  const failing = await start(service, { workflow: 'fails' });
  expect((await ended(service, failing.id)).status).toBe('failed');

  const hanging = await start(service, { workflow: 'hangs' });
  await until(service, hanging.id, ({ steps }) => steps[0]?.status === 'running');
  const late = await start(service, { workflow: 'late' });
  const waiting = await start(service, { workflow: 'fails' });
  expect((await ended(service, late.id)).error).toMatchObject({ code: 'timeout' });
  await service.request(cancelRun, { run: hanging.id });
  expect((await ended(service, waiting.id)).status).toBe('failed');

  const dying = await start(service, { workflow: 'hangs' });
  await until(service, dying.id, ({ steps }) => steps[0]?.status === 'running');
  const [cancelled, last] = [await start(service, { workflow: 'fails' }), await start(service, { workflow: 'late' })];
  await service.request(cancelRun, { run: cancelled.id });
  expect((await ended(service, last.id)).error).toMatchObject({ code: 'timeout' });
  frail.kill();
  expect((await ended(service, dying.id, 30_000)).error).toMatchObject({ code: 'unavailable' });
  const { id } = await start(service, { workflow: 'late' });
  expect((await ended(service, id)).status).toBe('succeeded');
}, 60_000);

test('why a step waits names the limit, its key, who holds its places and whose turn it is', async () => {
  await using _worker = new TestWorker(service, 'frail', () => new Promise(() => undefined));
  await apply(service, 'asks', { a: { agent: 'frail', limits: { tenant: { key: '${{ input.who }}', concurrency: 1 } } } });
  const holding = await start(service, { workflow: 'asks', input: { who: 'ann' } });
  await until(service, holding.id, ({ steps }) => steps[0]?.status === 'running');
  const waiting = [
    await start(service, { workflow: 'asks', input: { who: 'ann' } }),
    await start(service, { workflow: 'asks', input: { who: 'ann' } }),
  ];
  const { chain } = await whyUntil(
    waiting[1]?.id ?? '',
    ({ chain: [root] }) => root?.kind === 'limit' && root.because.includes('2 that wait'),
  );
  expect(chain).toMatchObject([
    {
      on: 'limit:tenant/ann',
      because: 'the only place of the limit tenant for ann is taken, and of 2 that wait this is number 2',
      next: 'Wait for one of them, cancel a run that holds a place, or raise the concurrency of tenant.',
      holders: [{ run: holding.id, step: 'a' }],
    },
  ]);
  for (const { id } of [holding, ...waiting]) await service.request(cancelRun, { run: id });
});

test('a rate lets so many begin in a time, and tells when the next may', async () => {
  await using _worker = new TestWorker(service, 'counter', () => ({ output: null }), 64);
  await apply(service, 'paced', {
    a: { agent: 'counter', forEach: '${{ input.list }}', limits: { pace: { rate: { max: 2, per: '1s' } } } },
  });
  await sleep(1_000); // whoever takes a limit over begins with nothing of its rate
  const began = performance.now();
  const { id } = await start(service, { workflow: 'paced', input: { list: list(6) } });
  const { chain } = await whyUntil(id, ({ chain: [root] }) => root?.on === 'limit:pace');
  expect(chain[0]?.because).toMatch(/the limit pace lets 2 begin in 1 s, the next at 20.*Z, and of \d that wait this is number \d/);
  expect(new Date(chain[0]?.until ?? '').getTime()).toBeGreaterThan(0);
  expect((await ended(service, id)).status).toBe('succeeded');
  expect(performance.now() - began).toBeGreaterThan(1_900);
});

test('what is more urgent goes before what came first; a run as urgent as its start says', async () => {
  await apply(service, 'urgent', { a: { agent: 'single', with: 'step' } }, { priority: 2 });
  await apply(service, 'usual', { a: { agent: 'single', with: '${{ input.who }}' } });
  const runs = [
    await start(service, { workflow: 'usual', input: { who: 'first' } }),
    await start(service, { workflow: 'usual', input: { who: 'bulk' }, priority: 5 }),
    await start(service, { workflow: 'usual', input: { who: 'second' } }),
    await start(service, { workflow: 'urgent' }),
    await start(service, { workflow: 'usual', input: { who: 'now' }, priority: 1 }),
  ];
  for (const { id } of runs) await until(service, id, ({ steps }) => steps[0]?.status === 'queued');
  const order: unknown[] = [];
  await using _worker = new TestWorker(service, 'single', ({ input }) => {
    order.push(input);
    return { output: null };
  });
  for (const { id } of runs) expect((await ended(service, id)).status).toBe('succeeded');
  expect(order).toEqual(['now', 'step', 'first', 'second', 'bulk']);
});

test('limits and queues are listed as they stand, page by page, and only one’s own', async () => {
  await using _worker = new TestWorker(service, 'frail', () => new Promise(() => undefined));
  const limits = {
    paced: { rate: { max: 3, per: '1h' } },
    tenant: { key: '${{ input.who }}', concurrency: 1 },
  };
  await apply(service, 'listed', { a: { agent: 'frail', limits: { tenant: limits.tenant } } });
  await apply(service, 'slow', { a: { agent: 'frail', limits: { paced: limits.paced } } });
  const holding = await start(service, { workflow: 'listed', input: { who: 'ann' } });
  await until(service, holding.id, ({ steps }) => steps[0]?.status === 'running');
  const others = [
    await start(service, { workflow: 'listed', input: { who: 'ann' } }),
    await start(service, { workflow: 'slow' }),
    await start(service, { workflow: 'listed', input: { who: 'bob' } }),
  ];
  await until(service, others[2]?.id ?? '', ({ steps }) => steps[0]?.status === 'running');
  const { data, calls: share, missing } = await service.request(listLimits, { q: 'tenant' });
  expect(data).toMatchObject([
    {
      kind: 'limit',
      name: 'tenant',
      key: 'ann',
      concurrency: 1,
      rate: null,
      waiting: 1,
      running: 1,
      holders: [{ run: holding.id, step: 'a' }],
    },
    { kind: 'limit', name: 'tenant', key: 'bob', waiting: 0, running: 1, oldestAt: null },
  ]);
  expect(Date.now() - Date.parse(data[0]?.oldestAt ?? '')).toBeLessThan(20_000);
  expect([share, missing]).toEqual([{ places: 448, most: 336, running: 0 }, 0]);
  const [paced] = (await service.request(listLimits, { kind: 'limit', waiting: true, q: 'paced' })).data;
  expect(paced).toMatchObject({ concurrency: null, waiting: 1, running: 0, rate: { max: 3, perMs: 3_600_000, burst: 3, left: 0 } });
  expect(Date.parse(paced?.rate?.nextAt ?? '')).toBeGreaterThan(Date.now());
  const [queue] = (await service.request(listLimits, { kind: 'agent' })).data;
  expect(queue).toMatchObject({ kind: 'agent', name: 'frail', key: null, concurrency: null, waiting: 0, running: 2 });
  expect(queue?.holders.map(({ run }) => run).sort()).toEqual([holding.id, others[2]?.id ?? ''].sort());

  const names: string[] = [];
  for (let cursor: string | undefined; names.length < 100;) {
    const page = await service.request(listLimits, { limit: 1, ...(cursor !== undefined && { cursor }) });
    expect(page.data).toHaveLength(1);
    names.push(...page.data.map(({ kind, name, key }) => `${kind} ${name} ${key ?? ''}`));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  expect(names).toEqual(expect.arrayContaining(['limit paced ', 'limit tenant ann', 'limit tenant bob', 'agent frail ']));
  expect(new Set(names).size).toBe(names.length);
  expect((await service.request(listLimits, {}, { as: foreign })).data).toEqual([]);
  for (const { id } of [holding, ...others]) await service.request(cancelRun, { run: id });
}, 60_000);

test('a workspace that floods leaves another room: its call is made at once, and is told from what waits', async () => {
  const steps = Object.fromEntries(list(4).map((n) => [`s${n}`, { tool: `server${n}/work`, forEach: '${{ input.list }}' }]));
  await apply(service, 'flood', steps);
  const loud = await start(service, { workflow: 'flood', input: { list: list(250) } });
  for (const end = performance.now() + 20_000; calls.length < 336 && performance.now() < end;) await sleep(20);
  const { chain } = await whyUntil(loud.id, ({ open }) => open.some(({ kind }) => kind === 'limit'));
  expect(chain[0]?.because).toMatch(
    /^(?:this workspace has its share of 336 calls under way; \d+ tasks wait for server\d\/work|all 256 places)/,
  );
  await apply(service, 'quiet', { a: { tool: 'server0/work' } }, {}, foreign);
  const quiet = await start(service, { workflow: 'quiet' }, foreign);
  for (const end = performance.now() + 20_000; !calls.some(({ run }) => run === quiet.id) && performance.now() < end;) await sleep(20);
  expect(calls.map(({ run }) => run)).toEqual([...list(336).map(() => loud.id), quiet.id]);
  await insist(() => service.request(cancelRun, { run: loud.id })); // it has 336 calls to take back
  calls.at(-1)?.end();
  expect((await ended(service, quiet.id, 20_000, foreign)).status).toBe('succeeded');
}, 90_000);

describe('limits of whole runs', () => {
  const word = { word: { wait: { signal: 'go' } } };
  const tenant = { tenant: { key: '${{ input.who }}', concurrency: 1 } };
  const go = async (run: string): Promise<void> => {
    await service.request(signalRun, { run, name: 'go', idempotencyKey: run });
    expect((await ended(service, run)).status).toBe('succeeded');
  };
  const isAway = async (runs: string[]): Promise<void> => {
    const { owner } = service.app.get(Engine);
    for (const late = performance.now() + 20_000; runs.some((run) => owner.find(toUuid(run, 'run'))); await sleep(50))
      if (performance.now() > late) throw new Error('not all runs rest');
  };

  test('one run of a key is under way, the others wait and rest, know why, and begin in their turn', async () => {
    await apply(service, 'whole', word, { limits: tenant });
    const first = await start(service, { workflow: 'whole', input: { who: 'ann' } });
    await until(service, first.id, ({ steps }) => steps[0]?.status === 'waiting');
    const second = await start(service, { workflow: 'whole', input: { who: 'ann' } });
    expect(second).toMatchObject({ status: 'waiting', reason: 'waits for runs:tenant/ann', startedAt: null });
    const third = await start(service, { workflow: 'whole', input: { who: 'ann' } });
    const urgent = await start(service, { workflow: 'whole', input: { who: 'ann' }, priority: 1 });
    const other = await start(service, { workflow: 'whole', input: { who: 'bob' } });
    await until(service, other.id, ({ steps }) => steps[0]?.status === 'waiting');
    await isAway([first, second, third, urgent].map(({ id }) => id));
    const { chain } = await whyUntil(third.id, ({ chain: [root] }) => root?.because.includes('3 that wait') === true);
    expect(chain).toEqual([
      {
        kind: 'limit',
        run: third.id,
        step: null,
        status: 'waiting',
        on: 'runs:tenant/ann',
        because: 'the only place of the limit tenant of runs for ann is taken, and of 3 that wait this is number 3',
        next: 'Wait for one of them, cancel a run that holds a place, or raise the concurrency of tenant.',
        until: null,
        holders: [{ run: first.id, step: '', instance: null, since: expect.any(String) }],
      },
    ]);
    const { data } = await service.request(listRuns, { workflow: 'whole', status: ['waiting'] });
    expect(data.find(({ id }) => id === third.id)).toMatchObject({ status: 'waiting', reason: 'waits for runs:tenant/ann' });
    const listed = await service.request(listLimits, { kind: 'runs' });
    expect(listed.data).toMatchObject([
      { kind: 'runs', name: 'tenant', key: 'ann', concurrency: 1, waiting: 3, running: 1, holders: [{ run: first.id }] },
      { kind: 'runs', name: 'tenant', key: 'bob', waiting: 0, running: 1 },
    ]);
    await service.request(cancelRun, { run: second.id });
    expect(await ended(service, second.id)).toMatchObject({ status: 'cancelled', steps: [{ status: 'cancelled' }] });
    for (const { id } of [first, urgent, third, other]) await go(id);
    const { data: events } = await service.request(listRunEvents, { run: third.id });
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['run.started', 'run.admitted']);
  }, 60_000);

  test('a start beyond the limit is refused where the workflow says so, and starts nothing; the same start again finds its run', async () => {
    await apply(service, 'strict', word, { limits: tenant, onLimit: 'refuse' });
    const request = { workflow: 'strict', input: { who: 'eve' }, idempotencyKey: 'eve-1' };
    const { id } = await start(service, request);
    await until(service, id, ({ steps }) => steps[0]?.status === 'waiting');
    const refused = service.request(startRun, { workflow: 'strict', input: { who: 'eve' } });
    await expect(refused).rejects.toMatchObject({
      code: 'limited',
      detail: 'the only place of the limit tenant of runs for eve is taken',
      retryAfterMs: 1_000,
    });
    expect((await service.request(startRun, request)).id).toBe(id);
    await expect(service.request(startRun, { workflow: 'strict', input: {} })).rejects.toMatchObject({
      code: 'invalid',
      errors: [{ pointer: '/spec/limits/tenant/key' }],
    });
    expect((await service.request(listRuns, { workflow: 'strict' })).data).toHaveLength(1);
    await go(id);
    const again = await start(service, { workflow: 'strict', input: { who: 'eve' } });
    await go(again.id);
  }, 60_000);

  test('an older run of a key ends for a newer one where the workflow says so, also while it rests; its finally runs before', async () => {
    const tidy = { tidy: { wait: { signal: 'tidied' } } };
    await apply(service, 'newest', word, { limits: tenant, onLimit: 'replace', finally: tidy });
    const first = await start(service, { workflow: 'newest', input: { who: 'sue' } });
    await until(service, first.id, ({ steps }) => steps[0]?.status === 'waiting');
    await isAway([first.id]);
    const second = await start(service, { workflow: 'newest', input: { who: 'sue' } });
    await until(service, first.id, ({ steps }) => steps[1]?.status === 'waiting');
    const third = await start(service, { workflow: 'newest', input: { who: 'sue' } });
    expect((await ended(service, second.id)).reason).toBe('cancelled by a newer run, which has its place');
    expect((await service.request(whyRun, { run: third.id })).chain[0]).toMatchObject({ kind: 'limit', holders: [{ run: first.id }] });
    await service.request(signalRun, { run: first.id, name: 'tidied', idempotencyKey: first.id });
    expect(await ended(service, first.id)).toMatchObject({ status: 'cancelled', reason: 'cancelled by a newer run, which has its place' });
    await until(service, third.id, ({ steps }) => steps[0]?.status === 'waiting');
    await service.request(signalRun, { run: third.id, name: 'tidied', idempotencyKey: 'before' });
    await go(third.id);
  }, 60_000);

  test('a rate lets so many runs begin in a time; a run that has begun holds nothing of it', async () => {
    await sleep(1_000); // whoever takes a limit over begins with nothing of its rate
    await apply(service, 'often', { a: { value: 1 } }, { limits: { pace: { rate: { max: 2, per: '1s' } } } });
    const began = performance.now();
    const runs = await Promise.all(list(6).map(() => start(service, { workflow: 'often' })));
    for (const { id } of runs) expect((await ended(service, id)).status).toBe('succeeded');
    expect(performance.now() - began).toBeGreaterThan(1_900);
  }, 60_000);

  test('a child run is within the place of the run above it, and waits for a place of another', async () => {
    await apply(service, 'below', word, { limits: { ...tenant, all: { concurrency: 1 } } });
    await apply(service, 'above', { a: { workflow: 'below', with: { who: '${{ input.who }}' } } }, { limits: tenant });
    const blocks = await start(service, { workflow: 'below', input: { who: 'tom' } });
    await until(service, blocks.id, ({ steps }) => steps[0]?.status === 'waiting');
    const { id } = await start(service, { workflow: 'above', input: { who: 'joe' } });
    const { chain } = await whyUntil(id, ({ chain: links }) => links.at(-1)?.kind === 'limit' && links.length === 2);
    expect(chain[1]).toMatchObject({ on: 'runs:all', step: null, holders: [{ run: blocks.id }] });
    await go(blocks.id);
    const child = chain[1]?.run ?? '';
    await until(service, child, ({ steps }) => steps[0]?.status === 'waiting');
    await go(child);
    expect((await ended(service, id)).status).toBe('succeeded');
  }, 60_000);
});
