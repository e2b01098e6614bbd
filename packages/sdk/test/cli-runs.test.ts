import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { RunEvent, Step } from '../src/client/runs.ts';
import { stepLog } from '../src/client/step-log.ts';
import { page, problem, Reply, RestDouble, sse } from './rest-double.ts';
import { signalbox as run, temporaryFolder } from './terminal-double.ts';
import type { Printed, Surroundings } from './terminal-double.ts';

let rest: RestDouble;

beforeEach(async () => {
  rest = await RestDouble.start();
});
afterEach(() => rest.stop());

function signalbox(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  return run(args, { ...surroundings, env: { SIGNALBOX_URL: rest.url, SIGNALBOX_API_KEY: 'sbx_test', ...surroundings.env } });
}

const at = '2026-11-24T12:00:01.500Z';
const event = (seq: number, type: string, more: object = {}): object => ({ seq, at, run: 'run_1', type, ...more });
const steps = [
  {
    key: 'list',
    step: 'list',
    index: null,
    kind: 'agent',
    label: '',
    status: 'succeeded',
    agent: 'librarian',
    skill: 'tree',
    startedAt: at,
    endedAt: '2026-11-24T12:00:02Z',
    attempts: [],
    waitingFor: [],
    error: null,
  },
  ...Array.from({ length: 9 }, (_, i) => ({
    key: `analyse[${i}]`,
    step: 'analyse',
    index: i,
    kind: 'agent',
    label: '',
    status: i < 8 ? 'running' : 'succeeded',
    agent: 'analyst',
    skill: null,
    startedAt: at,
    endedAt: i < 8 ? null : at,
    attempts: [],
    waitingFor: [],
    error: null,
  })),
  {
    key: 'map[0]',
    step: 'map',
    index: 0,
    kind: 'value',
    label: '',
    status: 'pending',
    agent: null,
    skill: null,
    tool: null,
    startedAt: null,
    endedAt: null,
    attempts: [],
    waitingFor: [],
    error: null,
  },
  {
    key: 'map[1]',
    step: 'map',
    index: 1,
    kind: 'value',
    label: '',
    status: 'succeeded',
    agent: null,
    skill: null,
    tool: null,
    startedAt: null,
    endedAt: null,
    attempts: [],
    waitingFor: [],
    error: null,
  },
];
const detail = (more: object = {}): object => ({
  id: 'run_1',
  workflow: 'report',
  status: 'succeeded',
  reason: null,
  error: null,
  startedAt: '2026-11-24T12:00:00Z',
  endedAt: '2026-11-24T12:00:05Z',
  progress: { total: 3, done: 3, running: 0, waiting: 0, failed: 0 },
  steps,
  output: {
    report: { id: 'artifact_1', name: 'report.md' },
    other: { id: 'artifact_2' },
    words: 'one line',
    text: 'a\nb\n',
    size: 3,
    where: { id: 'x' },
  },
  ...more,
});

function events(...list: object[]): () => AsyncGenerator<string> {
  return async function* () {
    for (const one of list) {
      yield sse((one as { seq: number }).seq, (one as { type: string }).type, one);
      await pause(5);
    }
  };
}

test('a run is started with its input and labels', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'in.yaml'), 'a: 1\nb: [2]\n');
  await writeFile(join(folder.path, 'note.txt'), 'a note');
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' });
  const args = ['--input', '@in.yaml', '--input', '{"b":3}', '--input', 'note=@note.txt', '--label', 'team=a', '--idempotency-key', 'mine'];
  expect(await signalbox(['run', 'report', ...args], { cwd: folder.path })).toEqual({
    exit: 0,
    out: 'run_1 queued\nFollow it: signalbox logs run_1 --follow\n',
    err: '',
  });
  expect(rest.seen[0]?.body).toEqual({ input: { a: 1, b: 3, note: 'a note' }, labels: { team: 'a' } });
  expect(rest.seen[0]?.headers['idempotency-key']).toBe('mine');
  expect(JSON.parse((await signalbox(['run', 'report', '--json'])).out)).toEqual({ id: 'run_1', status: 'queued' });
  await writeFile(join(folder.path, 'large'), 'x'.repeat(8 * 1024 * 1024 + 1));
  for (const [input, exit] of [
    ['@none.yaml', 2],
    ['{"a"', 2],
    ['[1]', 2],
    ['=1', 2],
    ['@note.txt', 2],
    ['x=@large', 7],
  ] as const) {
    expect([input, (await signalbox(['run', 'report', '--input', input], { cwd: folder.path })).exit]).toEqual([input, exit]);
  }
});

test('a followed run is told event by event, then its outputs', async () => {
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' }).on('GET /runs/run_1', detail());
  rest.on(
    'GET /runs/run_1/events',
    events(
      event(1, 'run.started'),
      event(2, 'step.started', { step: 'list', agent: 'librarian', instance: 'one' }),
      event(2, 'step.progress', { step: 'list', message: 'too soon' }),
      event(2, 'step.progress', { step: 'list', message: 'half \u001b[2Jway' }),
      event(3, 'step.retrying', { step: 'list', agent: 'librarian', attempt: 2, error: { code: 'timeout', detail: 'too slow' } }),
      event(4, 'step.queued', { step: 'plan' }),
      event(5, 'odd', { at: 'when' }),
      event(6, 'run.succeeded'),
    ),
  );
  let clock = 0;
  const told = await signalbox(['run', 'report', '--follow'], { now: () => (clock += 3_000) });
  expect(told.out).toBe(
    [
      '12:00:01.500  ◐ started   run',
      '12:00:01.500  ◐ started   list  librarian (one)',
      '12:00:01.500  ◐ progress  list  half way',
      '12:00:01.500  ▲ retrying  list  librarian  attempt 2  timeout: too slow',
      '12:00:01.500  ‖ queued    plan',
      'when  ○ odd       odd',
      '12:00:01.500  ✔ succeeded run',
      '',
      'report: report.md  signalbox artifact get artifact_1',
      'other: artifact_2  signalbox artifact get artifact_2',
      'words: one line',
      'text:',
      '  a',
      '  b',
      'size: 3',
      'where: {"id":"x"}',
      '',
    ].join('\n'),
  );
  const lines = (await signalbox(['run', 'report', '--follow', '--json'])).out.trim().split('\n');
  expect(lines).toHaveLength(9);
  expect(JSON.parse(lines[8] ?? '')).toMatchObject({ type: 'result', run: { id: 'run_1', status: 'succeeded' } });
});

test('outputs of other shapes are shown as they are', async () => {
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' }).on('GET /runs/run_1/events', events(event(1, 'run.succeeded')));
  const shown = async (output: unknown): Promise<string> => {
    rest.on('GET /runs/run_1', detail({ output }));
    return (await signalbox(['run', 'report', '--follow'])).out.split('\n').slice(1).join('\n');
  };
  expect(await shown(null)).toBe('');
  expect(await shown({})).toBe('');
  expect(await shown('done')).toBe('\n"done"\n');
  expect(await shown({ text: Array.from({ length: 20 }, (_, i) => i).join('\n') })).toContain('  11\n  and 8 more lines\n');
});

test('a run that fails or is cancelled ends the command with 1 and what to do', async () => {
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' }).on('GET /runs/run_1/events', events(event(1, 'run.failed')));
  rest.on(
    'GET /runs/run_1',
    detail({ status: 'failed', output: null, error: { code: 'timeout', detail: 'analyse[1] took too long', next: 'Give it more time.' } }),
  );
  expect(await signalbox(['run', 'report', '--follow'])).toMatchObject({
    exit: 1,
    err: 'error: the run run_1 has failed: analyse[1] took too long\n  next: Give it more time.\n',
  });
  rest.on('GET /runs/run_1', detail({ status: 'cancelled', output: null, reason: 'cancelled by ana' }));
  expect(await signalbox(['logs', 'run_1', '--follow'])).toMatchObject({
    exit: 1,
    err: 'error: the run run_1 was cancelled: cancelled by ana\n  next: See its steps: signalbox runs run_1\n',
  });
  rest.on('GET /runs/run_1', detail({ status: 'cancelled', output: null }));
  expect((await signalbox(['logs', 'run_1', '--follow'])).err).toContain('run_1 was cancelled\n');
  rest.on('GET /runs/run_1', detail());
  expect((await signalbox(['logs', 'run_1', '--follow'])).exit).toBe(0);
  rest.on('POST /workflows/report/runs', problem(404, 'not_found', 'there is no workflow report'));
  expect((await signalbox(['run', 'report', '--follow'])).exit).toBe(5);
});

test('on a terminal a followed run is a tree, redrawn in place', async () => {
  let isOver = false;
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' });
  rest.on('GET /runs/run_1', () =>
    isOver ? detail() : detail({ status: 'running', endedAt: null, output: null, progress: { total: 12, done: 2 } }),
  );
  rest.on('GET /runs/run_1/events', async function* () {
    yield sse(1, 'run.started', event(1, 'run.started'));
    yield sse(2, 'step.started', event(2, 'step.started', { step: 'analyse[0]' }));
    yield sse(2, 'step.progress', event(2, 'step.progress', { step: 'analyse[0]', message: 'read 3 of 9 files' }));
    yield sse(2, 'step.progress', event(2, 'step.progress', { step: 'analyse[1]' }));
    await pause(400);
    isOver = true;
    yield sse(3, 'step.succeeded', event(3, 'step.succeeded', { step: 'analyse[0]' }));
    yield sse(4, 'run.succeeded', event(4, 'run.succeeded'));
  });
  const { out, exit } = await signalbox(['run', 'report', '--follow', '--no-color'], { terminal: 60, rows: 12 });
  expect(exit).toBe(0);
  const frames = out.split(/\u001b\[\d+F/);
  expect(frames.length).toBeGreaterThan(2);
  const frame = frames.find((one) => one.includes('read 3 of 9')) ?? '';
  expect(frame.replaceAll('\u001b[K', '').replaceAll('\u001b[J', '')).toBe(
    [
      'report run_1  ◐ running  2 of 12 steps  10.0 s',
      '✔ list      librarian/tree  0.50 s',
      '◐ analyse   analyst  1 of 9  8.50 s',
      '  ◐ analyse[0]  analyst  8.50 s  read 3 of 9 files',
      '  ◐ analyse[1]  analyst  8.50 s',
      '  ◐ analyse[2]  analyst  8.50 s',
      '  ◐ analyse[3]  analyst  8.50 s',
      '  ◐ analyse[4]  analyst  8.50 s',
      '  ◐ analyse[5]  analyst  8.50 s',
      '    and 2 more',
      '◐ map       value  1 of 2',
      '',
    ].join('\n'),
  );
  expect(frames.at(-1)).toContain('report run_1  ✔ succeeded');
});

test('lost connections are told on standard error, and on a terminal in the tree', async () => {
  let connection = 0;
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' }).on('GET /runs/run_1', detail());
  async function* broken(isLast: boolean): AsyncGenerator<string> {
    yield 'retry: 300\n\n';
    await pause(1);
    if (isLast) yield sse(2, 'run.succeeded', event(2, 'run.succeeded'));
  }
  rest.on('GET /runs/run_1/events', () => {
    connection++;
    return connection % 3 === 2 ? problem(500, 'internal', 'restarting') : broken(connection % 3 === 0);
  });
  const lost = 'the connection is lost (the server closed the stream); trying again\nthe connection is back\n';
  expect((await signalbox(['run', 'report', '--follow'])).err).toBe(lost);
  expect((await signalbox(['logs', 'run_1', '--follow'])).err).toBe(lost);
  expect((await signalbox(['run', 'report', '--follow'], { terminal: 100 })).out).toContain(
    'no news: the server closed the stream; trying again',
  );
});

test('Ctrl-C leaves the run alone and says how to find it again', async () => {
  rest.on('POST /workflows/report/runs', { id: 'run_1', status: 'queued' }).on('GET /runs/run_1', detail({ status: 'running' }));
  let controller = new AbortController();
  rest.on('GET /runs/run_1/events', async function* () {
    setTimeout(() => controller.abort(new DOMException('interrupted', 'AbortError')), 100);
    yield sse(1, 'run.started', event(1, 'run.started'));
    await pause(2_000, undefined, { ref: false });
  });
  for (const args of [
    ['run', 'report', '--follow'],
    ['logs', 'run_1', '--follow'],
  ]) {
    controller = new AbortController();
    expect(await signalbox(args, { signal: controller.signal })).toMatchObject({
      exit: 130,
      err: 'error: no longer following; the run goes on\n  next: Follow it: signalbox logs run_1 --follow. End it: signalbox cancel run_1\n',
    });
  }
  rest.on('GET /runs', () => pause(2_000, page([]), { ref: false }));
  const signal = AbortSignal.abort(new DOMException('interrupted', 'AbortError'));
  expect(await signalbox(['runs'], { signal })).toMatchObject({ exit: 130, err: 'error: interrupted\n' });
});

test('logs are all events so far, with their dates', async () => {
  rest.on('GET /runs/run_1/events', ({ query }) =>
    query['cursor'] ? page([event(2, 'run.succeeded')]) : page([event(1, 'run.started')], 'more'),
  );
  expect((await signalbox(['logs', 'run_1'])).out).toBe(
    '2026-11-24 12:00:01.500  ◐ started   run\n2026-11-24 12:00:01.500  ✔ succeeded run\n',
  );
  expect(
    (await signalbox(['logs', 'run_1', '--json'])).out
      .trim()
      .split('\n')
      .map((one) => (JSON.parse(one) as { seq: number }).seq),
  ).toEqual([1, 2]);
  rest.on('GET /runs/run_1/events', problem(404, 'not_found', 'there is no run run_1'));
  expect((await signalbox(['logs', 'run_1'])).exit).toBe(5);
  expect((await signalbox(['logs', 'run_1', '--follow'])).exit).toBe(5);
});

test('logs of a step are its events with what was said of each attempt, once, though it was heard live too', async () => {
  const second = (index: number): string => `2026-11-24T12:00:0${index}.000Z`;
  const mine = (seq: number, index: number, type: string, attempt: number, more: object = {}): object =>
    event(seq, type, { at: second(index), step: 'list', attempt, ...more });
  const recorded = [
    event(1, 'run.started', { at: second(0) }),
    mine(2, 1, 'step.started', 1),
    mine(5, 5, 'step.retrying', 1, { message: 'again in 10 ms' }),
    mine(6, 6, 'step.started', 2),
    event(7, 'step.started', { at: second(6), step: 'other' }),
  ];
  const attempt = { agent: 'librarian', instance: 'one', status: 'failed', startedAt: at, endedAt: at, error: null };
  const log = [
    { at: second(3), message: 'page 3' },
    { at: second(4), message: 'page 4', fraction: 0.5 },
  ];
  const attempts = [
    { ...attempt, number: 1, log, logDropped: 2 },
    { ...attempt, number: 2, log: [{ at: second(7), message: 'page 5', fraction: 0.1 }] },
  ] as Step['attempts'];
  rest.on('GET /runs/run_1/events', page(recorded)).on('GET /runs/run_1/steps/list', { key: 'list', attempts });
  const told = (await signalbox(['logs', 'run_1', '--step', 'list'])).out.replaceAll(/^2026-11-24 12:00:|librarian \(one\) {2}/gm, '');
  expect(told.trim().split('\n')).toEqual([
    '01.000  ◐ started   list',
    'attempt 1: 2 earlier lines not kept',
    '03.000  ◐ progress  list  page 3',
    '04.000  ◐ progress  list  page 4  50 %',
    '05.000  ▲ retrying  list  again in 10 ms',
    '06.000  ◐ started   list  attempt 2',
    '07.000  ◐ progress  list  attempt 2  page 5  10 %',
  ]);
  expect((await signalbox(['logs', 'run_1', '--step', 'list', '--follow'])).exit).toBe(2);
  const live = [
    mine(2, 2, 'step.progress', 1, { message: 'page 2' }),
    mine(2, 4, 'step.progress', 1, { message: 'page 4', fraction: 0.5 }),
    mine(6, 8, 'step.progress', 2, { message: 'page 5', fraction: 0.2 }),
  ];
  const entries = stepLog('run_1', { key: 'list', attempts }, [...recorded, ...live] as RunEvent[]);
  expect(entries.map(({ seq, message, dropped, fraction }) => [seq, message, dropped, fraction])).toEqual([
    [2, undefined, undefined, undefined],
    [2, 'page 2', undefined, undefined],
    [2, 'page 3', 1, undefined],
    [2, 'page 4', undefined, 0.5],
    [5, 'again in 10 ms', undefined, undefined],
    [6, undefined, undefined, undefined],
    [6, 'page 5', undefined, 0.2],
  ]);
});

test('fork starts a run that keeps what another has done', async () => {
  rest.on('POST /runs/run_1/fork', { id: 'run_2', status: 'running' });
  expect((await signalbox(['fork', 'run_1'])).out).toContain('run_2 running\n');
  expect(rest.seen.at(-1)?.body).toEqual({});
  await signalbox(['fork', 'run_1', '--from', 'a', '--from', 'b', '--input', 'n=1', '--idempotency-key', 'mine']);
  expect(rest.seen.at(-1)).toMatchObject({ body: { from: ['a', 'b'], input: { n: 1 } }, headers: { 'idempotency-key': 'mine' } });
  await signalbox(['fork', 'run_1', '--from', 'a', '--agent', 'writer=3', '--agent', 'judge=12']);
  expect(rest.seen.at(-1)?.body).toEqual({ from: ['a'], versions: { writer: 3, judge: 12 } });
  const wrong = await signalbox(['fork', 'run_1', '--agent', 'writer']);
  expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('Say it as writer=3.')]);
});

test('why tells the chain of causes, who holds the places and what to do', async () => {
  const link = { run: 'run_1', status: 'queued', on: null, next: null, until: null, holders: [] };
  rest.on('GET /runs/run_1/steps/b/why', {
    run: 'run_1',
    step: 'b',
    chain: [
      { ...link, kind: 'step', step: 'b', because: 'a has not ended' },
      {
        ...link,
        kind: 'limit',
        step: 'a',
        because: 'all 2 places of x are taken, and 1 task waits',
        next: 'Wait for one of them.',
        holders: [{ run: 'run_9', step: 'a', instance: 'w1', since: null }],
      },
    ],
    open: [{ kind: 'limit', count: 1, step: 'a' }],
  });
  expect((await signalbox(['why', 'run_1', 'b'])).out).toBe(
    [
      'b ‖ queued: a has not ended',
      '  a ‖ queued: all 2 places of x are taken, and 1 task waits',
      '    held by run_9 a on w1',
      'Wait for one of them.',
      '',
    ].join('\n'),
  );
  rest.on('GET /runs/run_1/why', {
    run: 'run_1',
    step: null,
    chain: [{ ...link, kind: 'no-worker', step: 'a', because: 'no worker of x is connected' }],
    open: [
      { kind: 'no-worker', count: 1, step: 'a' },
      { kind: 'running', count: 3, step: 'c' },
    ],
  });
  expect((await signalbox(['why', 'run_1'])).out).toBe('a ‖ queued: no worker of x is connected\nAlso open: 3 running (c)\n');
});

test('runs are found by conditions, and what is no condition is refused', async () => {
  rest.on('GET /runs', page([]));
  const where = 'status=failed agent=x label.team=a=b error=timeout cost>0.5 cost<=2 took>1.5s started>2026-01-02T03:04:05Z';
  expect((await signalbox(['runs', '--where', where, '--where', 'step=plan', '--sort', 'cost'])).out).toBe('No run is like that.\n');
  expect(rest.seen.at(-1)?.query).toEqual({
    status: 'failed',
    agent: 'x',
    labels: 'team=a=b',
    errorCode: 'timeout',
    costMin: '0.5',
    costMax: '2',
    durationMinMs: '1500',
    startedAfter: '2026-01-02T03:04:05.000Z',
    failedStep: 'plan',
    sort: 'cost',
    limit: '50',
  });
  await signalbox(['runs', '--where', 'ended>1h']);
  expect(rest.seen.at(-1)?.query['endedAfter']).toMatch(/^\d{4}-/);
  for (const bad of ['colour=red', 'status>1', 'cost=1', 'started>soon', 'took<x'])
    expect((await signalbox(['runs', '--where', bad])).exit).toBe(2);
});

test('many runs are looked at, confirmed, cancelled and followed', async () => {
  const operation = {
    id: 'runop_1',
    action: 'cancel',
    status: 'running',
    total: 2,
    done: 1,
    failed: 0,
    startedBy: 'ann',
    createdAt: '2026-11-24T12:00:00Z',
  };
  let asked = 0;
  const sample = [{ id: 'run_1', workflow: 'w', status: 'running' }];
  const before = '2026-11-24T12:00:00.000Z';
  rest.on('POST /run-operations', ({ body }) => ({
    operation: (body as { dryRun?: boolean }).dryRun ? null : operation,
    count: 2,
    isMore: false,
    before,
    sample,
  }));
  rest.on('GET /run-operations/runop_1', () => ({
    ...operation,
    ...(++asked > 1 && { status: 'done', done: 1, failed: 1 }),
    failures: asked > 1 ? [{ run: 'run_2', code: 'conflict', detail: 'it has succeeded already' }] : [],
  }));
  const dry = await signalbox(['runs', 'cancel', '--where', 'workflow=w', '--dry-run']);
  expect(dry.err).toBe('');
  expect(dry.out).toContain('2 runs would be cancelled\n  run_1 w');
  expect(rest.seen).toHaveLength(1);
  const done = await signalbox(['runs', 'cancel', '--where', 'workflow=w', '--yes']);
  expect(done.exit).toBe(1);
  expect(done.out).toContain('runop_1 done: 1 run cancelled\n  run_2 conflict: it has succeeded already');
  expect(
    rest.seen.find(({ body }) => (body as { dryRun?: boolean } | undefined)?.dryRun === undefined && body !== undefined)?.body,
  ).toEqual({
    action: 'cancel',
    filter: { workflow: 'w' },
    before,
  });
  expect((await signalbox(['runs', 'retry', 'run_1', 'run_2', '--yes', '--no-wait'])).out).toContain(
    'Look: signalbox runs operations runop_1',
  );
  expect(rest.seen.at(-1)?.body).toEqual({ action: 'retry', ids: ['run_1', 'run_2'], before });
  await signalbox(['runs', 'fork', 'run_1', '--from', 'a', '--yes', '--no-wait']);
  expect(rest.seen.at(-1)?.body).toEqual({ action: 'fork', ids: ['run_1'], from: ['a'], before });
  expect((await signalbox(['runs', 'cancel'])).exit).toBe(2);
  expect((await signalbox(['runs', 'cancel', 'run_1', '--where', 'workflow=w'])).exit).toBe(2);
  expect((await signalbox(['runs', 'cancel', 'run_1'])).exit).toBe(2); // nobody to ask
  rest.on('GET /run-operations', page([operation]));
  expect((await signalbox(['runs', 'operations'])).out).toContain('runop_1    cancel');
  rest.on('POST /run-operations/runop_1/cancel', operation);
  expect((await signalbox(['runs', 'operations', 'runop_1', '--cancel'])).out).toContain('runop_1 cancel done: 1 of 2, 1 failed');
});

test('compare shows where two runs differ', async () => {
  const side = { status: 'succeeded', durationMs: 12, attempts: 1, costUsd: 0, tokens: 0 };
  const same = { key: 'same', a: side, b: side, isDifferent: false, input: [], output: [] };
  const more = { key: 'more', a: null, b: side, isDifferent: true, input: [], output: [{ pointer: '', b: 1 }] };
  const usage = { costUsd: 0.5 };
  rest.on('GET /runs/run_1/compare/run_2', ({ query }) => ({
    a: { id: 'run_1', workflow: 'w', status: 'succeeded', usage },
    b: { id: 'run_2', workflow: 'w', status: 'failed', usage },
    isSameDefinition: false,
    input: [{ pointer: '/n', a: 1, b: [2] }],
    output: [],
    steps: query['cursor'] ? [more] : [same],
    nextCursor: query['cursor'] ? null : 'two',
  }));
  const { out } = await signalbox(['compare', 'run_1', 'run_2']);
  expect(out).toContain('They are of different definitions.\ninput/n: 1 → [2]');
  expect(out).toMatch(/more +none +✔ succeeded +12 ms +status, output/);
  expect(out).toContain('more output: nothing → 1');
  expect(out).not.toContain('same');
  expect((await signalbox(['compare', 'run_1', 'run_2', '--all'])).out).toContain('same');
});

test('problems are failures by reason', async () => {
  const problem = {
    errorCode: 'timeout',
    workflow: 'w',
    failedStep: 'a',
    count: 3,
    firstAt: '2026-11-24T11:00:00Z',
    lastAt: '2026-11-24T11:58:00Z',
  };
  rest.on('GET /run-problems', page([{ ...problem, lastRun: 'run_1', detail: 'a: it took too long', next: null }]));
  const { out } = await signalbox(['problems', '--workflow', 'w', '--since', '7d']);
  expect(out).toContain('3  timeout  w');
  expect(out).toContain('a: it took too long');
  expect(rest.seen.at(-1)?.query).toMatchObject({ workflow: 'w', startedAfter: expect.any(String) as unknown as string });
  rest.on('GET /run-problems', page([]));
  expect((await signalbox(['problems'])).out).toBe('No failures that nobody has looked after.\n');
});

test('limits are what is under way and waits; a run that comes too early comes again', async () => {
  const limit = {
    ...{ kind: 'limit', name: 'tenant', key: 'ann', concurrency: 2, waiting: 3, running: 2, oldestAt: '2026-11-24T11:58:00Z' },
    rate: { max: 60, perMs: 60_000, burst: 60, left: 7, nextAt: null },
    holders: [{ run: 'run_1', step: 'a', instance: null, since: null }],
  };
  const queue = {
    ...limit,
    kind: 'agent',
    name: 'writer',
    key: null,
    concurrency: null,
    rate: null,
    waiting: 0,
    oldestAt: null,
    holders: [],
  };
  rest.on('GET /limits', page([limit, queue]));
  const { out } = await signalbox(['limits', '--waiting', '--kind', 'limit']);
  expect(rest.seen.at(-1)?.query).toMatchObject({ waiting: 'true', kind: 'limit' });
  expect(out).toMatch(/limit +tenant ann +2 of 2 +3 .*7 left of 60 in 60 s +run_1 a and 1 more/);
  expect(out).toMatch(/agent +writer +2 +0/);
  rest.on('GET /limits', page([]));
  expect((await signalbox(['limits'])).out).toBe('Nothing is under way or waits, and no limit is in use.\n');

  let tries = 0;
  rest.on('POST /workflows/w/runs', () =>
    tries++ === 0 ? problem(429, 'limited', 'too many', {}, { 'retry-after': '0' }) : { id: 'run_1', status: 'running' },
  );
  expect((await signalbox(['run', 'w', '--priority', '1'])).exit).toBe(0);
  expect([tries, rest.seen.at(-1)?.body]).toEqual([2, { input: {}, priority: 1 }]);
  expect((await signalbox(['run', 'w', '--priority', 'high'])).err).toContain('the priority high is not one of 1 to 5');
});

test('budgets are set, shown and removed', async () => {
  const budget = {
    scope: 'workflow/report',
    period: 'day',
    limit: { tokens: 1000, costUsd: 0.5 },
    perCall: { tokens: 100 },
    spent: { tokens: 300, costUsd: 0.1, steps: 3 },
    given: { tokens: 50, costUsd: 0, steps: 0 },
    renewsAt: null,
    version: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
  rest.on('PUT /budgets/workflow%2Freport', { action: 'created', resource: budget });
  const set = await signalbox('budgets set workflow/report --tokens 1000 --cost-usd 0.5 --period day --call-tokens 100'.split(' '));
  expect(set.out).toBe('workflow/report is created: 1000 tokens, 0.5 US dollars a day\n');
  expect(rest.seen.at(-1)?.body).toEqual({ limit: { tokens: 1000, costUsd: 0.5 }, perCall: { tokens: 100 }, period: 'day' });
  expect((await signalbox(['budgets', 'set', 'workspace'])).err).toContain('limits nothing');
  expect((await signalbox(['budgets', 'set', 'workspace', '--tokens', '-1'])).err).toContain('whole number');
  rest.on('GET /budgets', page([budget]));
  expect((await signalbox(['budgets'])).out).toMatch(
    /workflow\/report +tokens +1000 +300 +50 +100 +day\s+workflow\/report +US dollars +0\.5 +0\.1 +0 +day/,
  );
  rest.on('GET /budgets', page([]));
  expect((await signalbox(['budgets', 'list'])).out).toContain('No budgets.');
  rest.on('DELETE /budgets/workflow%2Freport', () => undefined);
  expect((await signalbox(['budgets', 'rm', 'workflow/report', '--yes'])).out).toBe('workflow/report is removed\n');
});

test('usage is shown by what was asked for, with the sum of all', async () => {
  const sums = { attempts: 2, inputTokens: 300, outputTokens: 20, costUsd: 0.125 };
  const row = { at: '2026-11-26T00:00:00.000Z', workflow: 'report', agent: null, model: 'm-1', ...sums };
  const window = { from: '2026-11-20T00:00:00.000Z', to: '2026-11-27T00:00:00.000Z' };
  rest.on('GET /usage', ({ query }) =>
    query.cursor === undefined
      ? { data: [row], nextCursor: 'c', total: { ...sums, attempts: 4, costUsd: 0.25 }, ...window }
      : { data: [{ ...row, model: '' }], nextCursor: null, total: sums, ...window },
  );
  const { out } = await signalbox('usage --by workflow,model --bucket day --workflow report --limit 2'.split(' '));
  expect(out).toMatch(/2026-11-26 +report +m-1 +2 +300 +20 +0\.1250\s+2026-11-26 +report +\(none\) +2 /);
  expect(out).toContain('Together 4 calls, 300 tokens in, 20 out, 0.2500 US dollars.');
  expect(rest.seen.at(-1)?.query).toMatchObject({ by: 'workflow,model', bucket: 'day', workflow: 'report', cursor: 'c' });
  expect((await signalbox(['usage', '--by', 'colour'])).err).toContain('Say workflow, agent, model');
  const { total, rows } = JSON.parse((await signalbox(['usage', '--json', '--last', '2d'])).out) as { total: object; rows: object[] };
  expect([total, rows.length]).toEqual([{ ...sums, attempts: 4, costUsd: 0.25 }, 2]);
  rest.on('GET /usage', { data: [], nextCursor: null, total: { attempts: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 }, ...window });
  expect((await signalbox(['usage'])).out).toContain('Nothing told what it used');
});

test('signal sends data to a run', async () => {
  rest.on('POST /runs/run_1/signals/approved', { id: 'run_1', status: 'running' });
  expect((await signalbox(['signal', 'run_1', 'approved', '--input', 'by=ann'])).out).toBe('run_1 running: it has the signal approved\n');
  expect(rest.seen.at(-1)?.body).toEqual({ data: { by: 'ann' } });
  await signalbox(['signal', 'run_1', 'approved']);
  expect(rest.seen.at(-1)?.body).toEqual({ data: null });
});

test('upgrade says what differs and what does not fit, and has a run go over', async () => {
  const upgrade = {
    from: 'sha256:1',
    to: 'sha256:2',
    obstacles: [],
    asBegun: ['list'],
    changes: [{ path: 'spec.steps.read.agent', from: 'reader', to: 'writer' }],
    run: { id: 'run_1', status: 'waiting' },
  };
  rest.on('POST /runs/run_1/upgrade', { ...upgrade, outcome: 'possible' });
  const dry = await signalbox(['upgrade', 'run_1', '--dry-run']);
  expect(dry.out).toContain('run_1 can go over to the new version');
  expect(dry.out).toContain('spec.steps.read.agent');
  expect(dry.out).toContain('goes on as it began: list');
  rest.on('POST /runs/run_1/upgrade', { ...upgrade, outcome: 'upgraded' });
  expect((await signalbox(['upgrade', 'run_1', '--hash', 'sha256:2'])).out).toContain('run_1 goes on by the new version');
  expect(rest.seen.at(-1)?.body).toEqual({ dryRun: false, hash: 'sha256:2' });
  rest.on('POST /runs/run_1/upgrade', { ...upgrade, outcome: 'impossible', obstacles: [{ step: 'list', because: 'it was done' }] });
  const refused = await signalbox(['upgrade', 'run_1', '--dry-run']);
  expect(refused.exit).toBe(1);
  expect(refused.out).toContain('✖ list: it was done');
});

test('release says what follows for a run that was set aside', async () => {
  rest.on('POST /runs/run_1/release', { id: 'run_1', status: 'failed', reason: 'quarantined' });
  expect((await signalbox(['release', 'run_1', 'fail'])).out).toBe('run_1 failed: quarantined\n');
  expect((await signalbox(['release', 'run_1', 'again'])).exit).toBe(2);
});

test('resolve says what follows a lost attempt', async () => {
  rest.on('POST /runs/run_1/steps/pay%5B3%5D/resolve', { key: 'pay[3]', status: 'queued' });
  expect((await signalbox(['resolve', 'run_1', 'pay[3]', 'retry'])).out).toBe('pay[3] queued\n');
  expect(rest.seen.at(-1)?.body).toEqual({ action: 'retry' });
  await signalbox(['resolve', 'run_1', 'pay[3]', 'output', '--output', 'n=1', '--idempotency-key', 'mine']);
  expect(rest.seen.at(-1)).toMatchObject({ body: { action: 'output', output: { n: 1 } }, headers: { 'idempotency-key': 'mine' } });
  await signalbox(['resolve', 'run_1', 'pay[3]', 'output']);
  expect(rest.seen.at(-1)?.body).toEqual({ action: 'output', output: null });
  const sent = rest.seen.length;
  expect((await signalbox(['resolve', 'run_1', 'pay', 'again'])).exit).toBe(2);
  expect((await signalbox(['resolve', 'run_1', 'pay', 'fail', '--output', 'n=1'])).exit).toBe(2);
  expect(rest.seen).toHaveLength(sent);
});

test('cancel says how the run stands then', async () => {
  rest.on('POST /runs/run_1/cancel', { id: 'run_1', status: 'cancelled', reason: 'cancelled by ana' });
  expect((await signalbox(['cancel', 'run_1'])).out).toBe('run_1 cancelled: cancelled by ana\n');
  rest.on('POST /runs/run_1/cancel', { id: 'run_1', status: 'cancelled', reason: null });
  expect((await signalbox(['cancel', 'run_1'])).out).toBe('run_1 cancelled\n');
  rest.on('POST /runs/run_1/cancel', problem(409, 'conflict', 'the run has succeeded'));
  expect((await signalbox(['cancel', 'run_1'])).exit).toBe(6);
});

test('a run goes into a file, to standard output, and from a file into another place', async () => {
  await using temporary = await temporaryFolder();
  const folder = temporary.path;
  rest.on('GET /runs/run_1/export', new Reply(200, '{"format":"signalbox.run"}\n', { 'content-type': 'application/x-ndjson' }));
  rest.on('POST /runs/import', ({ raw }) => {
    if (!raw.includes('signalbox.run')) return problem(400, 'invalid', 'line 1 of the file: this is no file of a run');
    return detail({ id: 'run_2', origin: { run: 'run_1', importedBy: 'ann', importedAt: at } });
  });
  expect(await signalbox(['runs', 'export', 'run_1'])).toEqual({ exit: 0, out: '{"format":"signalbox.run"}\n', err: '' });
  const written = await signalbox(['runs', 'export', 'run_1', '-o', 'one.jsonl'], { cwd: folder });
  expect(written.out).toBe('run_1 (27 B) written to one.jsonl\n');
  rest.on('GET /runs/run_large/export', new Reply(200, 'x'.repeat(32 * 1024 * 1024 + 1), { 'content-type': 'application/x-ndjson' }));
  const large = await signalbox(['runs', 'export', 'run_large', '-o', 'large.jsonl'], { cwd: folder });
  expect(large).toMatchObject({ exit: 0, err: expect.stringContaining('import reads 32 MiB at most') as unknown });
  const read = await signalbox(['runs', 'import', 'one.jsonl'], { cwd: folder });
  expect(read).toMatchObject({ exit: 0, err: '' });
  expect(read.out).toMatch(/^run_2 report .*succeeded was run_1\n/);
  await writeFile(join(folder, 'bad.jsonl'), '"x"');
  const bad = await signalbox(['runs', 'import', 'bad.jsonl'], { cwd: folder });
  expect(bad.exit).not.toBe(0);
  expect(bad.err).toMatch(/this is no file of a run/);
  expect((await signalbox(['runs', 'import', 'nowhere.jsonl'], { cwd: folder })).err).toMatch(/cannot read nowhere.jsonl/);
  rest.on('GET /runs/run_2', detail({ id: 'run_2', origin: { run: 'run_1', importedBy: 'ann', importedAt: at } }));
  expect((await signalbox(['runs', 'run_2'])).out).toMatch(/imported by ann: it was run_1/);
});
