import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { getApproval } from '@signalbox/shared/contracts/execution/get-approval.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { leaseTasks } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { listOutputs } from '@signalbox/shared/contracts/execution/list-outputs.js';
import { recordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { listApprovals } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { mirrorsMeasured } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { resolveStep } from '@signalbox/shared/contracts/execution/resolve-step.js';
import { shardsTaken } from '@signalbox/shared/contracts/execution/shards-taken.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { startRunOperation } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import { startDefinition } from '@signalbox/shared/contracts/execution/start-definition.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import type { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { Crowd } from './crowd.ts';
import { expectExact } from './exact.ts';
import { OwnerProcess, untilShared } from './owner-process.ts';
import { answerAsProtocol, apply, ended, insist, start, startExecution, TestWorker, until, workflow } from './peers.ts';

let service: ServiceUnderTest;
let owners: OwnerProcess[];
/** Calls of the tool that writes. */
let written = 0;

const retry = { attempts: 20, backoff: { initialMs: 50, factor: 1, maxMs: 50 } };
/** More than it ever takes; how long it takes is measured by the drill. */
const standsStillMs = 30_000;
const list = (length: number): number[] => Array.from({ length }, (_, number) => number);

const twinRollout = newId('rollout');
const mirror = { share: 1, perSecond: 1_000, inFlight: 64 };

beforeAll(async () => {
  service = await startExecution({
    counter: { kind: 'worker' },
    narrow: { kind: 'worker', concurrency: 2 },
    shy: { kind: 'worker' },
    frail: { kind: 'worker' },
    twin: { kind: 'worker', route: { version: 1, candidate: { rollout: twinRollout, version: 2, share: 0, stickBy: 'call', mirror } } },
  });
  await service.stop();
  await answerAsProtocol(service, ({ input, tool }) => {
    if (tool === 'files/write') written++;
    return { output: input };
  });
  owners = list(3).map(() => new OwnerProcess(service));
  await untilShared(service, 3); // each near its part
  await insist(() => apply(service, 'map', { all: { forEach: '${{ input.list }}', agent: 'counter', with: '${{ item }}', retry } }));
  await apply(service, 'narrow', { all: { forEach: '${{ input.list }}', agent: 'narrow', with: '${{ item }}', retry } });
  await apply(service, 'tool', { all: { forEach: '${{ input.list }}', tool: 'files/read', with: { n: '${{ item }}' }, retry } });
  await apply(service, 'parent', { all: { forEach: '${{ input.list }}', workflow: 'map', with: { list: [1, 2] } } });
  const text = '${{ steps.all.output }}';
  const kept = {
    all: { forEach: '${{ input.list }}', agent: 'counter', with: '${{ item }}', retry },
    keep: { tool: 'files/write', with: { text } },
  };
  await apply(service, 'kept', kept);
  await apply(service, 'asks', { ask: { approval: 'Go on?' } }, { outputs: '${{ steps.ask.output.comment }}' });
  await apply(service, 'waits', { word: { wait: { signal: 'go' } } }, { outputs: '${{ steps.word.output }}' });
}, 120_000);

afterEach(async () => {
  while (owners.length < 3) owners.push(new OwnerProcess(service));
  await untilShared(service, 3);
}, 60_000);

afterAll(async () => {
  for (const owner of owners ?? []) owner.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

/** How much is recorded of each run that lives. */
async function recorded(): Promise<Map<string, number>> {
  const rows = await service.database.sql<{ run_id: string; count: number }>(
    `SELECT run_id, sum(count)::int AS count FROM journal JOIN run USING (run_id) WHERE status = 'running' GROUP BY run_id`,
  );
  return new Map(rows.map(({ run_id, count }) => [run_id, count]));
}

test('what is handed over and not accepted is late, whoever keeps its queue', async () => {
  await insist(() => apply(service, 'late', { a: { agent: 'shy', timeouts: { start: '500ms' } } }));
  const runs = await Promise.all(list(12).map(() => start(service, { workflow: 'late' })));
  const shy = { principal: 'agent_shy', name: 'shy', roles: ['agent' as const] };
  const taken = new Set<string>();
  for (const end = performance.now() + 10_000; taken.size < 12 && performance.now() < end;) {
    const { tasks } = await insist(() =>
      service.request(leaseTasks, { agent: 'shy', instance: 'w-shy', credit: 12, waitMs: 500 }, { as: shy }),
    );
    for (const { task } of tasks) taken.add(task);
  }
  expect(taken.size).toBe(12);
  for (const { id } of runs)
    expect((await ended(service, id)).error).toMatchObject({
      code: 'timeout',
      detail: expect.stringContaining('start timeout of 500 ms') as unknown as string,
    });
}, 60_000);

test('a person’s word on a lost attempt finds the owner of its run', async () => {
  await insist(() => apply(service, 'frail', { a: { agent: 'frail', onCrash: 'ask' } }));
  const worker = new TestWorker(service, 'frail', () => new Promise(() => undefined));
  const runs = await Promise.all(list(6).map(() => start(service, { workflow: 'frail' })));
  for (const { id } of runs) await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  worker.kill();
  for (const { id } of runs) {
    await until(service, id, ({ steps }) => steps[0]?.waitingFor[0]?.on === 'crashed');
    const word = { run: id, key: 'a', action: 'output' as const, output: 'by hand', idempotencyKey: 'one' };
    expect(await insist(() => service.request(resolveStep, word))).toMatchObject({ status: 'succeeded', output: 'by hand' });
    expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: { a: 'by hand' } });
  }
}, 60_000);

test('runs of every owner get their tasks to the workers of one agent, whoever keeps its queue', async () => {
  await using worker = new TestWorker(service, 'counter', ({ input }) => ({ output: input }), 16);
  const runs = await Promise.all(list(24).map(() => start(service, { workflow: 'map', input: { list: list(10) } })));
  for (const { id } of runs) {
    expect((await ended(service, id)).output).toEqual({ all: list(10) });
    await expectExact(service, id);
  }
  expect(worker.done).toHaveLength(240);
  const shards = await service.database.sql<{ owners: number }>(
    `SELECT count(DISTINCT s.owner)::int AS owners FROM run r JOIN shard s ON s.shard = r.shard`,
  );
  expect(shards[0]?.owners).toBe(3);
}, 60_000);

test('calls of every owner’s runs are mirrored, whoever keeps the queue of their agent', async () => {
  const measured = await service.record(mirrorsMeasured);
  await apply(service, 'twin', { all: { agent: 'twin', with: 1, retry } });
  await using stable = new TestWorker(service, 'twin', () => ({ output: 'one' }));
  await using next = new TestWorker(service, 'twin', () => ({ output: 'two' }), 8, 2);
  const runs = await Promise.all(list(12).map(() => start(service, { workflow: 'twin' })));
  for (const { id } of runs) expect((await ended(service, id)).output).toEqual({ all: 'one' });
  const pairs = (): number => measured.heard.reduce((sum, { payload }) => sum + payload.pairs.length, 0);
  await measured.next(() => pairs() >= 12, 15_000);
  expect([stable.done.length, next.done.length]).toEqual([12, 12]);
}, 60_000);

test('the cap of an agent holds for the runs of all owners together', async () => {
  const crowd = new Crowd();
  let calls = 0;
  const work = (): Promise<{ output: null }> => {
    calls++;
    return crowd.pass('narrow');
  };
  await using _first = new TestWorker(service, 'narrow', work);
  await using _second = new TestWorker(service, 'narrow', work);
  const runs = await Promise.all(list(6).map(() => start(service, { workflow: 'narrow', input: { list: list(6) } })));
  for (const { id } of runs) expect((await ended(service, id, 30_000)).status).toBe('succeeded');
  expect(calls).toBe(36);
  expect(crowd.mostOfAll).toBe(2);
}, 60_000);

test('tools that are called and child runs work with every owner', async () => {
  await using _worker = new TestWorker(service, 'counter', ({ input }) => ({ output: input }), 16);
  const tools = await Promise.all(list(6).map(() => start(service, { workflow: 'tool', input: { list: list(4) } })));
  const parents = await Promise.all(list(4).map(() => start(service, { workflow: 'parent', input: { list: list(3) } })));
  for (const { id } of [...tools, ...parents]) {
    expect(await ended(service, id)).toMatchObject({ status: 'succeeded' });
    await expectExact(service, id);
  }
}, 60_000);

test('a signal, a cancel and a read reach the owner through any replica', async () => {
  const waiting = await Promise.all(list(12).map(() => start(service, { workflow: 'waits' })));
  await Promise.all(
    waiting.map(async ({ id }, number) => {
      expect((await service.request(getRun, { run: id })).status).toBe('waiting');
      if (number % 2 === 0)
        expect(await service.request(signalRun, { run: id, name: 'go', data: number })).toMatchObject({ output: number });
      else expect((await service.request(cancelRun, { run: id })).status).toBe('cancelled');
    }),
  );
  expect(await service.database.sql(`SELECT 1 FROM inbox`)).toEqual([]);
}, 60_000);

test('an approval is read and answered through any replica, once, also while its owner dies', async () => {
  const waiting = await Promise.all(list(12).map(() => start(service, { workflow: 'asks' })));
  const open = await Promise.all(
    waiting.map(async ({ id }) => {
      await until(service, id, ({ status }) => status === 'waiting');
      const { data } = await service.request(listApprovals, { run: id });
      const [{ id: approval } = { id: '' }] = data;
      expect(await service.request(getApproval, { approval })).toMatchObject({ run: id, status: 'open', mayAnswer: true });
      return { id, approval };
    }),
  );
  const answer = ({ approval }: { approval: string }): Promise<unknown> =>
    insist(() => service.request(answerApproval, { approval, approved: true, comment: approval }));
  await Promise.all(open.slice(0, 6).map(answer));
  const [victim] = owners.splice(0, 1) as [OwnerProcess];
  const late = open.slice(6).flatMap((each) => [answer(each), answer(each)]);
  victim.kill();
  await Promise.all(late);
  for (const { id, approval } of open) {
    expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: approval });
    await expectExact(service, id);
  }
}, 60_000);

test('why a run waits is known through any replica, wherever its queue is kept, and many are cancelled whoever owns them', async () => {
  const never = new Promise<never>(() => undefined);
  await using _worker = new TestWorker(service, 'narrow', () => never);
  const runs = await Promise.all(list(8).map(() => start(service, { workflow: 'narrow', input: { list: [1] }, labels: { batch: 'why' } })));
  const kinds = async (): Promise<string[]> =>
    Promise.all(runs.map(async ({ id }) => (await insist(() => service.request(whyRun, { run: id }))).chain.at(-1)?.kind ?? ''));
  const expected = ['limit', 'limit', 'limit', 'limit', 'limit', 'limit', 'running', 'running'];
  let seen: string[] = [];
  for (const until = performance.now() + 10_000; String(seen) !== String(expected) && performance.now() < until; await sleep(50))
    seen = (await kinds()).sort();
  expect(seen).toEqual(expected);
  for (const { id } of runs) {
    const root = (await service.request(whyRun, { run: id })).chain.at(-1);
    if (root?.kind === 'limit') expect(root.holders.map(({ run }) => runs.some((other) => other.id === run))).toEqual([true, true]);
  }
  const { operation } = await service.request(startRunOperation, { action: 'cancel', filter: { labels: { batch: 'why' } } });
  for (const { id } of runs) expect((await ended(service, id)).status).toBe('cancelled');
  expect(operation?.total).toBe(8);
}, 60_000);

test('whoever asks again with the same key, at another replica, waits for the same run', async () => {
  await using _worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(300);
    return { output: input };
  });
  const answers = await Promise.all(
    list(6).map(() => service.request(invokeAgent, { agent: 'counter', input: 7, idempotencyKey: 'once', waitMs: 10_000 })),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  for (const answer of answers) expect(answer).toMatchObject({ status: 'succeeded', output: 7 });
}, 60_000);

test('an owner is killed: its runs go on at the others, and nothing is lost or recorded twice', async () => {
  await using _worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(10);
    return { output: input };
  });
  const { id: origin } = await start(service, { workflow: 'kept', input: { list: list(20) } });
  expect(await ended(service, origin)).toMatchObject({ status: 'succeeded' });
  written = 0;
  // Recorded runs that are done again go on as any.
  const asked = { run: origin, agent: 'counter', version: 1, onDivergence: 'end' };
  const again = { forEach: '${{ input.list }}', onError: 'continue', workflow: recordedRun, with: asked };
  const wish = { workflow: 'eval/kept', manifest: workflow('again', { again }), input: { list: list(8) }, idempotencyKey: 'kill' };
  const runs = [
    await insist(() => service.request(startDefinition, wish, { from: 'registry' })),
    ...(await Promise.all(
      list(12).map((n) => start(service, { workflow: 'map', input: { list: list(100) }, idempotencyKey: `kill ${n}` })),
    )),
  ];
  await sleep(200);
  const [victim] = owners.splice(0, 1) as [OwnerProcess];
  victim.kill();
  const killed = performance.now();
  const before = await recorded();
  for (let after = before; [...before].some(([run, count]) => after.get(run) === count); after = await recorded()) {
    if (performance.now() - killed > standsStillMs) throw new Error('some runs stand still');
    await sleep(50);
  }
  for (const { id } of runs) {
    expect((await ended(service, id, 60_000)).status).toBe('succeeded');
    await expectExact(service, id);
  }
  const { data } = await service.request(listOutputs, { run: runs[0]!.id, step: 'again' }, { from: 'registry' });
  const gave = { keep: { text: list(20) } };
  expect(data.map(({ output }) => output)).toEqual(list(8).map(() => gave));
  for (const { run } of data) await expectExact(service, run!);
  expect(written).toBe(0);
}, 120_000);

test('starts that an owner took before it was killed are answered when another has its shards, long before their deadline', async () => {
  const taken = await service.record(shardsTaken);
  const client = new Client({ connectionString: service.database.url('owner') });
  await client.connect();
  let answers: Promise<string[]>;
  try {
    // No owner can commit: each has starts that it has not answered.
    await client.query('BEGIN');
    await client.query('LOCK TABLE journal IN SHARE MODE');
    answers = Promise.all(
      list(24).map((n) =>
        service.request(startRun, { workflow: 'waits', idempotencyKey: `unanswered ${n}` }).then(
          () => 'started',
          ({ code }: Fault) => code,
        ),
      ),
    );
    await sleep(300);
    const [victim] = owners.splice(0, 1) as [OwnerProcess];
    victim.kill();
    await victim.exitCode;
  } finally {
    await client.end();
  }
  await taken.next(() => true, standsStillMs);
  const from = performance.now();
  const codes = new Set(await answers);
  expect(codes).toEqual(new Set(['started', 'unavailable']));
  expect(performance.now() - from).toBeLessThan(3_000);
}, 60_000);

test('an owner leaves in order while runs are under way: no attempt is lost, and starts are taken all the time', async () => {
  await using worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(20);
    return { output: input };
  });
  const runs = await Promise.all(list(6).map(() => start(service, { workflow: 'map', input: { list: list(100) } })));
  await sleep(200);
  const [leaving] = owners.splice(0, 1) as [OwnerProcess];
  leaving.end();
  const refusals: unknown[] = [];
  for (const until = performance.now() + 3_000; performance.now() < until; await sleep(50)) {
    await service.request(startRun, { workflow: 'map', input: { list: [] } }).catch((error: unknown) => refusals.push(error));
  }
  expect(refusals).toEqual([]);
  for (const { id } of runs) {
    const run = await ended(service, id, 60_000);
    expect(run.status).toBe('succeeded');
    await expectExact(service, id);
  }
  expect(worker.done.length).toBeGreaterThanOrEqual(600);
  expect(await leaving.exitCode).toBe(0);
}, 120_000);

test('an owner stands still for 6 s and goes on beside its successors: it can write nothing', async () => {
  await using _worker = new TestWorker(service, 'counter', async ({ input }) => {
    await sleep(20);
    return { output: input };
  });
  const runs = await Promise.all(list(9).map(() => start(service, { workflow: 'map', input: { list: list(60) } })));
  await sleep(150);
  const [still] = owners as [OwnerProcess];
  still.halt();
  await sleep(6_000);
  still.goOn();
  for (const { id } of runs) {
    expect((await ended(service, id, 60_000)).status).toBe('succeeded');
    await expectExact(service, id);
  }
  await untilShared(service, 3);
}, 120_000);
