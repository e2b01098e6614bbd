import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../src/client/api-error.ts';
import { TaskError } from '../src/worker/skill.ts';
import type { TaskContext, WorkerSkill } from '../src/worker/skill.ts';
import { worker } from '../src/worker/worker.ts';
import type { Worker, WorkerOptions } from '../src/worker/worker.ts';
import { GatewayDouble } from './gateway-double.ts';
import type { WorkerLink } from './gateway-double.ts';

let gateway: GatewayDouble;
let started: { handle: Worker; running: Promise<void> } | null = null;
let log: string[] = [];

beforeEach(async () => {
  gateway = await GatewayDouble.start();
  log = [];
});

afterEach(async () => {
  if (started) {
    await started.handle.stop();
    await started.running.catch(() => undefined);
  }
  started = null;
  await gateway.stop();
});

function start(skills: Record<string, WorkerSkill>, options: Partial<WorkerOptions> = {}): { handle: Worker; running: Promise<void> } {
  const handle = worker({
    agent: 'analyst',
    skills,
    url: options.url ?? gateway.url,
    apiKey: 'sbx_test',
    reconnect: { firstMs: 10, maxMs: 50 },
    drainMs: 200,
    log: (sentence, fields) => log.push(`${sentence} ${JSON.stringify(fields)}`),
    ...options,
  });
  const running = handle.run();
  running.catch(() => undefined);
  started = { handle, running };
  return started;
}

const offer = (task: string, skill: string, input: unknown = {}, more: object = {}): object => ({
  type: 'task',
  task,
  attempt: 1,
  run: 'run_1',
  step: 'analyse[0]',
  skill,
  input,
  deadline: new Date(Date.now() + 60_000).toISOString(),
  idempotencyKey: 'run_1/analyse/0',
  ...more,
});

async function begin(link: WorkerLink, message: object): Promise<void> {
  const { task } = message as { task: string };
  link.send(message);
  await link.next('accepted');
  link.send({ type: 'start', task });
}

test('a worker says who it is, shows its skills and its key', async () => {
  const greet = { description: 'Greets', input: { type: 'object' }, output: { type: 'object' }, run: () => ({}) };
  start({ greet }, { concurrency: 4, instance: 'one', version: 3 });
  const link = await gateway.link();
  expect(await link.welcome()).toEqual({
    type: 'hello',
    version: 3,
    agent: 'analyst',
    instance: 'one',
    capacity: 4,
    skills: [{ name: 'greet', description: 'Greets', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } }],
  });
  expect(gateway.requests[0]?.headers.authorization).toBe('Bearer sbx_test');
  expect(gateway.requests[0]?.url).toBe('/api/v1/workers/connect');
});

test('a task starts only after the owner agreed, and its result is acknowledged', async () => {
  let runs = 0;
  let seen: TaskContext | undefined;
  start({
    double: {
      run: ({ n }: { n: number }, ctx: TaskContext) => {
        runs++;
        seen = ctx;
        return { twice: n * 2 };
      },
    },
  });
  const link = await gateway.link();
  await link.welcome();
  link.send(offer('task_1', 'double', { n: 21 }));
  expect(await link.next('accepted')).toEqual({ type: 'accepted', task: 'task_1' });
  await pause(50);
  expect(runs).toBe(0);
  link.send({ type: 'start', task: 'task_1' });
  expect(await link.next('complete')).toEqual({ type: 'complete', task: 'task_1', output: { twice: 42 } });
  expect(seen).toMatchObject({ task: 'task_1', attempt: 1, run: 'run_1', step: 'analyse[0]', idempotencyKey: 'run_1/analyse/0' });
  expect(seen?.deadline?.getTime()).toBeGreaterThan(Date.now());
  link.send({ type: 'completed', task: 'task_1' });
  link.send({ type: 'start', task: 'task_1' });
  await pause(50);
  expect(runs).toBe(1);
});

test('a result whose acknowledgement is lost is sent again until it comes', async () => {
  start({ one: { run: () => 1 } });
  const link = await gateway.link();
  await link.welcome(30);
  await begin(link, offer('task_1', 'one'));
  await link.next('complete');
  await link.next('complete');
  const again = await link.next('complete');
  expect(again).toEqual({ type: 'complete', task: 'task_1', output: 1 });
  link.send({ type: 'completed', task: 'task_1' });
  await pause(60);
  const before = link.count('complete');
  await pause(100);
  expect(link.count('complete')).toBe(before);
});

test('work goes on while the gateway is away, and the kept result is delivered after the reconnect', async () => {
  let finish: (value: string) => void = () => undefined;
  let runs = 0;
  start({
    slow: {
      run: () => {
        runs++;
        return new Promise<string>((resolve) => (finish = resolve));
      },
    },
  });
  const first = await gateway.link();
  await first.welcome();
  await begin(first, offer('task_1', 'slow'));
  await pause(30);
  first.socket.terminate();
  await pause(30);
  finish('done meanwhile');
  const second = await gateway.link();
  await second.welcome();
  expect(await second.next('beat')).toEqual({ type: 'beat', tasks: ['task_1'] });
  expect(await second.next('complete')).toEqual({ type: 'complete', task: 'task_1', output: 'done meanwhile' });
  second.send({ type: 'completed', task: 'task_1' });
  expect(runs).toBe(1);
  expect(log.some((line) => line.startsWith('the connection is lost'))).toBe(true);
});

test('an offer that was accepted on a lost connection is accepted again on the next', async () => {
  start({ one: { run: () => 1 } });
  const first = await gateway.link();
  await first.welcome();
  first.send(offer('task_1', 'one'));
  await first.next('accepted');
  first.socket.terminate();
  const second = await gateway.link();
  await second.welcome();
  expect(await second.next('accepted')).toEqual({ type: 'accepted', task: 'task_1' });
  second.send({ type: 'start', task: 'task_1' });
  await second.next('complete');
  second.send({ type: 'completed', task: 'task_1' });
});

test('an offer that comes twice is done once', async () => {
  let runs = 0;
  start({ count: { run: () => ++runs } });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'count'));
  await link.next('complete');
  link.send(offer('task_1', 'count'));
  expect(await link.next('complete')).toEqual({ type: 'complete', task: 'task_1', output: 1 });
  link.send({ type: 'completed', task: 'task_1' });
  expect(runs).toBe(1);
});

test('a newer attempt ends the older one, whose result is dropped', async () => {
  const aborted: string[] = [];
  start({
    wait: {
      run: (_, { signal, attempt }) =>
        attempt === 1
          ? new Promise((resolve) =>
              signal.addEventListener('abort', () => {
                aborted.push((signal.reason as Error).message);
                resolve('old');
              }),
            )
          : 'new',
    },
  });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'wait'));
  await begin(link, offer('task_1', 'wait', {}, { attempt: 2 }));
  expect(await link.next('complete')).toEqual({ type: 'complete', task: 'task_1', output: 'new' });
  link.send({ type: 'completed', task: 'task_1' });
  await pause(30);
  expect(aborted).toEqual(['a newer attempt has begun']);
  expect(link.received.filter((m) => m.type === 'complete' && m['output'] === 'old')).toEqual([]);
});

test('progress is shown, the last message always', async () => {
  start({
    read: {
      run: (_, ctx) => {
        for (let i = 1; i <= 20; i++) ctx.progress(`file ${i}`, i / 20);
        return null;
      },
    },
  });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'read'));
  await link.next('complete');
  link.send({ type: 'completed', task: 'task_1' });
  const progress = link.received.filter((message) => message.type === 'progress');
  expect(progress.length).toBeLessThanOrEqual(3);
  expect(progress.at(0)).toEqual({ type: 'progress', task: 'task_1', message: 'file 1', fraction: 0.05 });
  expect(progress.at(-1)).toEqual({ type: 'progress', task: 'task_1', message: 'file 20', fraction: 1 });
});

test('a task that another agent had comes with what that told, and its own partial results go on', async () => {
  const handover = {
    attempts: [
      { number: 1, agent: 'first', startedAt: 1, endedAt: 2, code: 'unavailable', detail: 'gone', messages: [], partial: { pages: 2 } },
    ],
  };
  let refused: unknown;
  start({
    read: {
      run: (_, ctx) => {
        const { pages } = ctx.handover?.attempts.at(-1)?.partial as { pages: number };
        ctx.progress('goes on', undefined, { pages: pages + 1 });
        try {
          ctx.progress('too much', undefined, 'x'.repeat(16_384));
        } catch (error) {
          refused = error;
        }
        return pages;
      },
    },
  });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'read', {}, { handover }));
  expect(await link.next('progress')).toEqual({ type: 'progress', task: 'task_1', message: 'goes on', partial: { pages: 3 } });
  expect(await link.next('complete')).toMatchObject({ output: 2 });
  link.send({ type: 'completed', task: 'task_1' });
  expect(refused).toMatchObject({ code: 'limited', message: 'a partial result is larger than 16 KiB' });
});

test('a mirrored task says what it is', async () => {
  start({ read: { run: (_, ctx) => ctx.isMirror } });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'read', {}, { isMirror: true }));
  expect(await link.next('complete')).toMatchObject({ output: true });
  link.send({ type: 'completed', task: 'task_1' });
  await begin(link, offer('task_2', 'read'));
  expect(await link.next('complete')).toMatchObject({ output: false });
});

test('progress that follows slowly is sent by itself', async () => {
  start({
    read: {
      run: async (_, ctx) => {
        ctx.progress('begun');
        ctx.progress('going on');
        await pause(250);
        return null;
      },
    },
  });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'read'));
  expect(await link.next('progress')).toEqual({ type: 'progress', task: 'task_1', message: 'begun' });
  expect(await link.next('progress')).toEqual({ type: 'progress', task: 'task_1', message: 'going on' });
  await link.next('complete');
  link.send({ type: 'completed', task: 'task_1' });
});

test('a cancelled task is aborted and ends as cancelled, one that has not started is forgotten', async () => {
  start({
    wait: {
      run: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
    },
  });
  const link = await gateway.link();
  await link.welcome(30);
  await begin(link, offer('task_1', 'wait'));
  await pause(20);
  link.send({ type: 'cancel', task: 'task_1', reason: 'the run was cancelled by ana' });
  expect(await link.next('complete')).toEqual({
    type: 'complete',
    task: 'task_1',
    error: { code: 'cancelled', detail: 'the run was cancelled by ana' },
  });
  link.send({ type: 'completed', task: 'task_1' });
  link.send(offer('task_2', 'wait'));
  await link.next('accepted');
  link.send({ type: 'cancel', task: 'task_2' });
  link.send({ type: 'cancel', task: 'task_3' });
  await pause(80);
  expect(link.received.filter((m) => m.type === 'beat').at(-1)).toEqual({ type: 'beat', tasks: [] });
});

test('what a skill throws becomes an error with its code, its sentence and what to do', async () => {
  start({
    coded: {
      run: () => {
        throw new TaskError('limited', 'the quota is used up', 'Wait until tomorrow.');
      },
    },
    plain: {
      run: () => {
        throw new Error('it broke');
      },
    },
    odd: {
      run: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- what users' code may do
        throw 'a string';
      },
    },
    rest: { run: () => Promise.reject(new ApiError(404, { code: 'not_found', detail: 'no such artifact', next: 'List them.' })) },
    unreachable: { run: async (_, { client }) => client.artifacts.get('art_1', { timeoutMs: 1 }) },
  });
  const link = await gateway.link();
  await link.welcome();
  const errors: Record<string, unknown> = {};
  for (const skill of ['coded', 'plain', 'odd', 'rest']) {
    await begin(link, offer(`task_${skill}`, skill));
    errors[skill] = (await link.next('complete'))['error'];
    link.send({ type: 'completed', task: `task_${skill}` });
  }
  expect(errors).toEqual({
    coded: { code: 'limited', detail: 'the quota is used up', next: 'Wait until tomorrow.' },
    plain: { code: 'internal', detail: 'it broke' },
    odd: { code: 'internal', detail: 'a string' },
    rest: { code: 'not_found', detail: 'no such artifact', next: 'List them.' },
  });
});

test('a skill whose own request cannot reach the gateway ends as unavailable', async () => {
  const { ConnectionError } = await import('../src/client/api-error.ts');
  const fail = (code: 'unreachable' | 'timeout'): WorkerSkill => ({
    run: () => Promise.reject(new ConnectionError(code, 'http://x', 'away')),
  });
  start({ away: fail('unreachable'), slow: fail('timeout') });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'away'));
  expect((await link.next('complete'))['error']).toEqual({ code: 'unavailable', detail: 'away' });
  await begin(link, offer('task_2', 'slow'));
  expect((await link.next('complete'))['error']).toEqual({ code: 'timeout', detail: 'away' });
  link.send({ type: 'completed', task: 'task_1' });
  link.send({ type: 'completed', task: 'task_2' });
});

test('input, output, size and JSON are checked around the function', async () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const schema = { type: 'object', required: ['path'], properties: { path: { type: 'string' } } };
  start({
    strict: { input: schema, run: () => 'never' },
    wrong: { output: { type: 'number' }, run: () => 'text' },
    circle: { run: () => circle },
    action: { run: () => () => undefined },
    huge: { run: () => 'x'.repeat(500_000) },
    nothing: { run: () => undefined },
  });
  const link = await gateway.link();
  await link.welcome();
  const ends: Record<string, Record<string, unknown>> = {};
  for (const skill of ['strict', 'wrong', 'circle', 'action', 'huge', 'nothing', 'missing']) {
    await begin(link, offer(`task_${skill}`, skill, { path: 1 }));
    ends[skill] = await link.next('complete');
    link.send({ type: 'completed', task: `task_${skill}` });
  }
  expect(ends['strict']?.['error']).toMatchObject({ code: 'invalid', detail: 'the input of strict does not fit: /path must be string' });
  expect(ends['wrong']?.['error']).toMatchObject({
    code: 'internal',
    detail: 'the output of wrong does not fit its schema: / must be number',
  });
  expect(ends['circle']?.['error']).toMatchObject({ code: 'internal', next: 'Return plain data.' });
  expect(ends['action']?.['error']).toMatchObject({ code: 'internal', detail: 'the output of action is not data' });
  expect(ends['huge']?.['error']).toMatchObject({ code: 'limited' });
  expect(ends['nothing']?.['output']).toBeNull();
  expect(ends['missing']?.['error']).toMatchObject({ code: 'invalid', detail: 'this worker has no skill missing' });
});

test('a deadline aborts the task, and one that has passed is not started', async () => {
  let runs = 0;
  start({
    wait: {
      run: (_, { signal, deadline }) => {
        runs++;
        if (deadline === null) return 'no deadline';
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
    },
  });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'wait', {}, { deadline: new Date(Date.now() + 60).toISOString() }));
  expect((await link.next('complete'))['error']).toEqual({ code: 'timeout', detail: 'the deadline has passed' });
  await begin(link, offer('task_2', 'wait', {}, { deadline: Date.now() - 1 }));
  expect((await link.next('complete'))['error']).toMatchObject({ code: 'timeout' });
  await begin(link, offer('task_3', 'wait', {}, { deadline: null }));
  expect((await link.next('complete'))['output']).toBe('no deadline');
  for (const task of ['task_1', 'task_2', 'task_3']) link.send({ type: 'completed', task });
  expect(runs).toBe(2);
});

test('beats name the tasks that are alive', async () => {
  start({ wait: { run: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)) } }, { concurrency: 2 });
  const link = await gateway.link();
  await link.welcome(25);
  expect(await link.next('beat')).toEqual({ type: 'beat', tasks: [] });
  await begin(link, offer('task_1', 'wait'));
  await begin(link, offer('task_2', 'wait'));
  await pause(60);
  expect(link.received.filter((m) => m.type === 'beat').at(-1)).toEqual({ type: 'beat', tasks: ['task_1', 'task_2'] });
});

test('stop finishes what runs, delivers it, takes nothing new and ends', async () => {
  const { handle, running } = start({ slow: { run: () => pause(100).then(() => 'finished') } }, { drainMs: 2_000 });
  const link = await gateway.link();
  await link.welcome(30);
  await begin(link, offer('task_1', 'slow'));
  await pause(20);
  const stopping = handle.stop();
  await link.next('drain');
  link.send(offer('task_2', 'slow'));
  const complete = await link.next('complete');
  expect(complete).toEqual({ type: 'complete', task: 'task_1', output: 'finished' });
  link.send({ type: 'completed', task: 'task_1' });
  await stopping;
  await running;
  expect(link.received.filter((m) => m.type === 'accepted')).toHaveLength(1);
  expect(handle.stop()).toBe(handle.stop());
});

test('SIGTERM drains, and what does not end in time is aborted', async () => {
  const { running } = start(
    { stuck: { run: (_, { signal }) => new Promise((_r, reject) => signal.addEventListener('abort', () => reject(new Error('x')))) } },
    { drainMs: 50 },
  );
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'stuck'));
  link.send(offer('task_2', 'stuck'));
  await link.next('accepted');
  process.emit('SIGTERM');
  const complete = await link.next('complete');
  expect(complete['error']).toEqual({ code: 'unavailable', detail: 'the worker is stopping' });
  link.send({ type: 'completed', task: 'task_1' });
  await running;
});

test('a draining worker that reconnects offers no capacity and still delivers', async () => {
  const { handle } = start({ slow: { run: () => pause(150).then(() => 'late') } }, { drainMs: 3_000 });
  const first = await gateway.link();
  await first.welcome();
  await begin(first, offer('task_1', 'slow'));
  await pause(20);
  const stopping = handle.stop();
  first.socket.terminate();
  const second = await gateway.link();
  expect((await second.welcome())['capacity']).toBe(0);
  await second.next('drain');
  await second.next('complete');
  second.send({ type: 'completed', task: 'task_1' });
  await stopping;
});

test('a refused result or task is dropped, an error and unknown messages are noted or skipped', async () => {
  start({ one: { run: () => 1 } });
  const link = await gateway.link();
  await link.welcome(30);
  await begin(link, offer('task_1', 'one'));
  await link.next('complete');
  link.send({ type: 'refused', task: 'task_1', detail: 'superseded' });
  link.send({ type: 'refused', detail: 'nothing special' });
  link.send({ type: 'error', code: 'invalid', detail: 'what was that', next: 'Read the protocol.' });
  link.send({ type: 'drain' });
  link.send({ type: 'of-the-future' });
  link.send('no json');
  link.send('[]');
  link.send('{"type":1}');
  await pause(80);
  expect(link.received.filter((m) => m.type === 'beat').at(-1)).toEqual({ type: 'beat', tasks: [] });
  expect(log).toContain('the gateway refused {"task":"task_1","because":"superseded"}');
  expect(log.some((line) => line.startsWith('the gateway reports an error'))).toBe(true);
});

test('a wrong key ends the worker with the problem', async () => {
  const body = JSON.stringify({ status: 401, code: 'unauthenticated', detail: 'the key is not known', next: 'Make one.' });
  gateway.refuse = { status: 401, body, headers: { 'content-type': 'application/problem+json' }, times: 1 };
  const { running } = start({ one: { run: () => 1 } });
  await expect(running).rejects.toMatchObject({ status: 401, code: 'unauthenticated', message: 'the key is not known', next: 'Make one.' });
});

test('a gateway that does not take the agent ends the worker before it begins; a later complaint does not', async () => {
  const { running } = start({ one: { run: () => 1 } });
  const link = await gateway.link();
  await link.next('hello');
  link.send({ type: 'error', code: 'not_found', detail: 'there is no agent analyst', next: 'Apply it.' });
  link.socket.close(1008, 'there is no agent analyst');
  await expect(running).rejects.toMatchObject({ code: 'not_found', message: 'there is no agent analyst', next: 'Apply it.' });
  start({ one: { run: () => 1 } });
  const second = await gateway.link();
  await second.welcome();
  second.send({ type: 'error' });
  second.socket.close(1011);
  await (await gateway.link()).welcome();
});

test('a task without a skill goes to the only one, and to none where there are several', async () => {
  start({ one: { run: () => 1 } });
  const link = await gateway.link();
  await link.welcome();
  await begin(link, offer('task_1', 'x', {}, { skill: null }));
  expect((await link.next('complete'))['output']).toBe(1);
  link.send({ type: 'completed', task: 'task_1' });
  await started?.handle.stop();
  start({ one: { run: () => 1 }, two: { run: () => 2 } });
  const other = await gateway.link();
  await other.welcome();
  await begin(other, offer('task_2', 'x', {}, { skill: null }));
  expect((await other.next('complete'))['error']).toMatchObject({ code: 'invalid', detail: 'this worker has no skill by default' });
  other.send({ type: 'completed', task: 'task_2' });
});

test('a gateway that is busy, down or silent is tried again', async () => {
  gateway.refuse = { status: 503, body: 'starting', headers: { 'retry-after': '0' }, times: 2 };
  start({ one: { run: () => 1 } });
  const first = await gateway.link();
  await first.welcome(20);
  first.socket.pause();
  const second = await gateway.link();
  await second.welcome();
  expect(log.filter((line) => line.startsWith('cannot connect'))).toHaveLength(2);
  expect(log.some((line) => line.startsWith('the gateway is silent'))).toBe(true);
});

test('a gateway that is not there yet is waited for', async () => {
  const { port } = gateway;
  await gateway.stop();
  start({ one: { run: () => 1 } }, { url: `http://127.0.0.1:${port}/`, apiKey: undefined });
  await pause(80);
  gateway = await GatewayDouble.start(port);
  const link = await gateway.link();
  await link.welcome();
  expect(log.some((line) => line.includes('ECONNREFUSED'))).toBe(true);
});

test('a worker without address or with a schema that is none fails where it is made', () => {
  const before = process.env['SIGNALBOX_URL'];
  delete process.env['SIGNALBOX_URL'];
  expect(() => worker({ agent: 'a', skills: {} })).toThrow('set SIGNALBOX_URL');
  process.env['SIGNALBOX_URL'] = gateway.url;
  expect(worker({ agent: 'a', skills: {} }).instance).toMatch(new RegExp(`-${process.pid}-[0-9a-f]{8}$`));
  process.env['SIGNALBOX_AGENT_VERSION'] = 'newest';
  expect(() => worker({ agent: 'a', skills: {} })).toThrow('SIGNALBOX_AGENT_VERSION must be a version as 3, not newest');
  delete process.env['SIGNALBOX_AGENT_VERSION'];
  if (before === undefined) delete process.env['SIGNALBOX_URL'];
  else process.env['SIGNALBOX_URL'] = before;
  expect(() => worker({ agent: 'a', url: gateway.url, skills: { x: { input: { type: 'nonsense' }, run: () => 1 } } })).toThrow(
    'the input schema of x is not a valid JSON Schema',
  );
});

test('the log is one line an event on standard error', async () => {
  const lines: string[] = [];
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = ((text: string) => lines.push(text) > 0) as typeof process.stderr.write;
  try {
    const handle = worker({ agent: 'a', url: gateway.url, apiKey: 'k', skills: {}, instance: 'one' });
    const running = handle.run();
    await (await gateway.link()).welcome(0);
    while (lines.length === 0) await pause(5);
    await handle.stop();
    await running;
  } finally {
    process.stderr.write = write;
  }
  expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z worker: connected agent=a instance=one\n$/);
});
