import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { beatWork } from '@signalbox/shared/contracts/execution/beat-work.js';
import { completeWork, type CompleteWorkReply, type CompleteWorkRequest } from '@signalbox/shared/contracts/execution/complete-work.js';
import { leaseTasks, type LeasedTask, type LeaseTasksRequest } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { agentQueueKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { shardsTaken } from '@signalbox/shared/contracts/execution/shards-taken.js';
import { runOfPlace, shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { beatInstance, type BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { beatInstances, type BeatInstancesRequest } from '@signalbox/shared/contracts/registry/beat-instances.js';
import { shardOfAgent } from '@signalbox/shared/contracts/registry/instance-shard.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { shardCount } from '@signalbox/shared/shards/shard-count.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { defaultWorkspace } from '@signalbox/testkit/test-issuer.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const agentKey = 'sbx_worker_door_key_of_reader';
const viewerKey = 'sbx_worker_door_key_of_viewer';

let nats: TestBus;
let gateway: RunningGateway;
let offers: LeasedTask[] = [];
let toCancel: string[] = [];
let leases: LeaseTasksRequest[] = [];
/** Who asked for tasks in tests that are over: their connections may not have ended yet. */
const sessions = new Set<string>();
let over = new Set<string>();
let completed: CompleteWorkRequest[] = [];
let instanceBeats: BeatInstanceRequest[] = [];
let mereBeats: { shard: number; request: BeatInstancesRequest }[] = [];
/** Instances by their identifiers, as the test's registry gave them. */
const introduced = new Map<string, string>();
let onAccept: (task: string) => void = () => undefined;
let onComplete: (request: CompleteWorkRequest) => CompleteWorkReply | void | Promise<void> = () => undefined;
let onBeat: (tasks: string[], message?: string) => string[] = () => [];

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'agent_reader', name: 'reader', roles: ['agent'] }, agentKey);
  nats.issuer.addCredential({ principal: 'user_bob', name: 'bob', roles: ['viewer'] }, viewerKey);
  await nats.answer(leaseTasks, async (request) => {
    const isOver = (): boolean => request.session !== undefined && over.has(request.session);
    if (isOver()) return { tasks: [], cancelled: [] };
    if (request.session !== undefined) sessions.add(request.session);
    leases.push(request);
    for (
      const until = performance.now() + Math.min(request.waitMs, 400);
      performance.now() < until && offers.length + toCancel.length === 0 && !isOver();
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (isOver()) return { tasks: [], cancelled: [] };
    return { tasks: offers.splice(0, request.credit), cancelled: toCancel.splice(0) };
  });
  await nats.answer(acceptWork, ({ task }) => {
    onAccept(task);
    return {};
  });
  await nats.answer(beatWork, ({ tasks, message }) => ({ cancelled: onBeat(tasks, message) }));
  await nats.answer(completeWork, async (request) => {
    const reply = await onComplete(request);
    completed.push(request);
    return reply ?? {};
  });
  await nats.answer(beatInstance, (beat, { caller }) => {
    if (beat.agent !== caller?.name) throw new Fault('not_found', `there is no agent ${beat.agent}`, 'Use its own key.');
    instanceBeats.push(beat);
    const id = newId('instance');
    introduced.set(id, beat.instance);
    return { id, status: 'live' as const, heartbeatMs: 2_000 };
  });
  await nats.answer(beatInstances, (request, { subject }) => {
    mereBeats.push({ shard: Number(subject.split('.')[3]), request });
    return { unknown: request.ids.filter((id) => !introduced.has(id)) };
  });
  gateway = await startGateway(
    Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') }),
  );
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  for (const worker of connected.splice(0)) {
    worker.socket.terminate();
    await worker.closed;
  }
  over = new Set(sessions);
  offers = [];
  toCancel = [];
  leases = [];
  completed = [];
  instanceBeats = [];
  mereBeats = [];
  onAccept = () => undefined;
  onComplete = () => undefined;
  onBeat = () => [];
});

interface Message extends Record<string, unknown> {
  type: string;
  task?: string;
}

/** A worker's end of the connection. */
class Dialled {
  readonly heard: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => this.heard.push(JSON.parse(data.toString()) as Message));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The next message of a type that was not taken yet. */
  async next(type: string): Promise<Message> {
    for (const until = performance.now() + 10_000; performance.now() < until; await new Promise((resolve) => setTimeout(resolve, 5))) {
      const at = this.heard.findIndex((message) => message.type === type);
      if (at >= 0) return this.heard.splice(at, 1)[0] as Message;
    }
    throw new Error(`no ${type} came; there is ${JSON.stringify(this.heard)}`);
  }
}

/** Workers of the test that runs. */
const connected: Dialled[] = [];

async function dial(key = agentKey): Promise<Dialled> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/api/v1/workers/connect`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const dialled = new Dialled(socket);
  connected.push(dialled);
  await once(socket, 'open');
  return dialled;
}

async function greet(rest: { instance?: string; capacity?: number; version?: number } = {}): Promise<Dialled> {
  const worker = await dial();
  worker.say({ type: 'hello', agent: 'reader', instance: 'w1', capacity: 2, skills: ['read', { name: 'list', inputSchema: {} }], ...rest });
  expect(await worker.next('welcome')).toEqual({ type: 'welcome', instance: rest.instance ?? 'w1', heartbeatMs: 2_000 });
  return worker;
}

function offer(isAccepted = false): string {
  const task = `${newId('run')}.0.3.1`;
  offers.push(leased(task, isAccepted));
  return task;
}

function leased(task: string, isAccepted: boolean): LeasedTask {
  return {
    task,
    attempt: 1,
    run: runOfPlace(task),
    step: 'a[3]',
    skill: 'read',
    input: { path: '/x' },
    deadline: 1_800_000_000_000,
    idempotencyKey: 'k',
    isAccepted,
  };
}

async function eventually(is: () => boolean): Promise<void> {
  for (const until = performance.now() + 10_000; !is(); await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (performance.now() > until) throw new Error('it did not happen in time');
  }
}

test('a worker is welcomed, gets a task, starts it when it may, and hears when its result is kept', async () => {
  const worker = await greet();
  const task = offer();
  expect(await worker.next('task')).toEqual({
    ...{ type: 'task', task, attempt: 1, step: 'a[3]', skill: 'read', input: { path: '/x' }, idempotencyKey: 'k' },
    ...{ run: task.split('.')[0], deadline: '2027-01-15T08:00:00.000Z' },
  });
  worker.say({ type: 'accepted', task });
  expect(await worker.next('start')).toEqual({ type: 'start', task });
  worker.say({ type: 'progress', task, message: 'half', fraction: 0.5 });
  worker.say({ type: 'something new' });
  worker.say({ type: 'complete', task, output: { lines: 3 }, usage: { inputTokens: 1, outputTokens: 2, costUsd: 0 } });
  expect(await worker.next('completed')).toEqual({ type: 'completed', task });
  expect(completed).toMatchObject([{ task, instance: 'w1', output: { lines: 3 }, usage: { outputTokens: 2 } }]);
  expect(instanceBeats[0]).toMatchObject({ agent: 'reader', instance: 'w1', capacity: 2, inFlight: 0, skills: ['read', 'list'] });
});

test('a worker that says which version it runs asks for tasks of that version', async () => {
  await greet({ instance: 'versioned', version: 3 });
  await eventually(() => leases.some(({ instance }) => instance === 'versioned'));
  expect(leases.find(({ instance }) => instance === 'versioned')).toMatchObject({ version: 3 });
});

test('a task that may begin at once is started without asking its owner', async () => {
  const worker = await greet();
  const task = offer(true);
  expect(await worker.next('task')).toMatchObject({ task });
  onAccept = () => {
    throw new Fault('conflict', 'nobody is to be asked', 'Begin.');
  };
  worker.say({ type: 'accepted', task });
  expect(await worker.next('start')).toEqual({ type: 'start', task });
});

test('a worker is offered no more than it can take, and more when it has room', async () => {
  const worker = await greet();
  const tasks = [offer(), offer(), offer()];
  await worker.next('task');
  await worker.next('task');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(worker.heard).toEqual([]);
  worker.say({ type: 'complete', task: tasks[0], output: 1 });
  await worker.next('completed');
  expect((await worker.next('task')).task).toBe(tasks[2]);
  expect(leases.every(({ credit }) => credit <= 2)).toBe(true);
});

test('a worker that comes back counts what it still holds', async () => {
  const held = `${newId('run')}.0.x.1`;
  const worker = await greet({ capacity: 1 });
  worker.say({ type: 'beat', tasks: [held] });
  await eventually(() => mereBeats.some(({ request }) => request.inFlight.includes(1)));
  await new Promise((resolve) => setTimeout(resolve, 600));
  const before = leases.length;
  offer();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(leases.length).toBeLessThanOrEqual(before + 1);
  worker.say({ type: 'complete', task: held, error: { code: 'internal', detail: 'x' } });
  await worker.next('completed');
  await worker.next('task');
});

test('a task that comes with the acknowledgement of a result goes to the worker after it, and its owner hears of it in a moment', async () => {
  const beats: string[][] = [];
  onBeat = (tasks) => {
    beats.push(tasks);
    return [];
  };
  const worker = await greet({ capacity: 1 });
  const first = offer();
  await worker.next('task');
  worker.say({ type: 'accepted', task: first });
  await worker.next('start');
  const second = `${runOfPlace(first)}.1.x.1`;
  let asked = 0;
  onComplete = ({ session }) => {
    asked++;
    if (session !== leases[0]?.session) throw new Fault('invalid', 'it has no such session', 'Correct it.');
    return { tasks: [leased(second, true)] };
  };
  worker.say({ type: 'complete', task: first, output: 1 });
  expect(await worker.next('completed')).toEqual({ type: 'completed', task: first });
  expect(await worker.next('task')).toMatchObject({ task: second });
  worker.say({ type: 'accepted', task: second });
  expect(await worker.next('start')).toEqual({ type: 'start', task: second });
  await eventually(() => beats.length > 0);
  expect(beats[0]).toEqual([second]);
  onComplete = ({ session }) => {
    asked++;
    if (session !== undefined) throw new Fault('invalid', 'session is not known', 'Leave it out.');
  };
  // An owner that is older than the gateway.
  worker.say({ type: 'complete', task: second, output: 2 });
  expect(await worker.next('completed')).toEqual({ type: 'completed', task: second });
  expect(completed.at(-1)).toMatchObject({ task: second, output: 2 });
  expect(asked).toBe(3);
});

test('what nobody wants is refused, and what cannot be kept ends with why', async () => {
  const worker = await greet();
  const task = `${newId('run')}.0.x.1`;
  onAccept = () => {
    throw new Fault('conflict', 'it is another’s', 'Drop it.');
  };
  worker.say({ type: 'accepted', task });
  expect(await worker.next('refused')).toEqual({ type: 'refused', task, detail: 'it is another’s' });
  onComplete = ({ output }) => {
    if (output === 'late') throw new Fault('conflict', 'another attempt has replaced it', 'Drop it.');
    if (output === 'large') throw new Fault('invalid', 'it is too large', 'Keep an artifact.');
    if (output === 'away') throw new Fault('unavailable', 'not now', 'Again.');
  };
  worker.say({ type: 'complete', task, output: 'late' });
  expect((await worker.next('refused')).detail).toBe('another attempt has replaced it');
  worker.say({ type: 'complete', task, output: 'large' });
  await worker.next('completed');
  expect(completed.at(-1)).toMatchObject({ error: { code: 'invalid', detail: 'the result was refused: it is too large' } });
  worker.say({ type: 'complete', task, output: 'away' });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(worker.heard.filter(({ type }) => type === 'completed' || type === 'refused')).toEqual([]);
});

test('an owner that cannot be reached is asked again before the task is given up', async () => {
  const worker = await greet();
  const task = `${newId('run')}.0.x.1`;
  let tries = 0;
  onAccept = () => {
    if (++tries === 1) throw new Fault('unavailable', 'not now', 'Again.');
  };
  worker.say({ type: 'accepted', task });
  await worker.next('start');
});

test('a result whose owner is away is offered to the next one without the worker, and tasks are asked for anew', async () => {
  const worker = await greet();
  await eventually(() => leases.length > 0);
  const asked = leases.length;
  const from = performance.now();
  onComplete = () => {
    if (performance.now() - from < 1_000) throw new Fault('unavailable', 'no owner at the moment', 'Again.');
  };
  worker.say({ type: 'complete', task: `${newId('run')}.0.x.1`, output: 1 });
  await worker.next('completed');
  expect(performance.now() - from).toBeLessThan(2_900); // its next try would have come after a beat of 2 s
  await eventually(() => leases.length > asked);
});

test('tasks are asked for anew when another replica owns their queue from now on, and not when it owns others', async () => {
  const worker = await greet({ instance: 'moved' });
  // What the worker of the test before asks for may still come.
  const own = (): (string | undefined)[] => leases.filter(({ instance }) => instance === 'moved').map(({ session }) => session);
  await eventually(() => own().length > 0);
  const [session] = own();
  const queue = shardOfQueue(agentQueueKey(defaultWorkspace, 'reader'));
  const others = Array.from({ length: shardCount }, (_, shard) => shard).filter((shard) => shard !== queue);
  const owner = await nats.as('execution');
  owner.publishLive(shardsTaken, { shards: others }, { workspace: '', entity: 'next' });
  await eventually(() => own().length > 2);
  expect(new Set(own())).toEqual(new Set([session]));
  owner.publishLive(shardsTaken, { shards: [queue] }, { workspace: '', entity: 'next' });
  await eventually(() => own().some((each) => each !== session));
  // So that its goodbye does not come in another test.
  worker.say({ type: 'drain' });
  await eventually(() => instanceBeats.some(({ status }) => status === 'draining'));
  worker.socket.close();
  await eventually(() => instanceBeats.some(({ status }) => status === 'gone'));
});

test('what an owner that was killed never answers is asked of the next one at once', async () => {
  const worker = await greet();
  const task = `${newId('run')}.0.x.1`;
  let asked = 0;
  onComplete = () => (++asked === 1 ? new Promise<void>(() => undefined) : undefined);
  worker.say({ type: 'complete', task, output: 1 });
  await eventually(() => asked === 1);
  const owner = await nats.as('execution');
  owner.publishLive(shardsTaken, { shards: [shardOfTask(task)] }, { workspace: '', entity: 'next' });
  const from = performance.now();
  await worker.next('completed');
  expect(performance.now() - from).toBeLessThan(3_000); // without the word it would wait for its deadline of 10 s
  expect(asked).toBe(2);
});

test('cancelled tasks reach the worker, by its question for tasks and by its beat', async () => {
  const worker = await greet();
  const first = `${newId('run')}.0.x.1`;
  const second = `${newId('run')}.1.x.1`;
  toCancel = [first];
  expect(await worker.next('cancel')).toMatchObject({ task: first });
  onBeat = (tasks) => tasks.filter((task) => task === second);
  worker.say({ type: 'beat', tasks: [first, second] });
  expect(await worker.next('cancel')).toMatchObject({ task: second });
});

test('beats of several workers go to the owner of their agent’s shard together, and one that it does not know says again who it is', async () => {
  const workers = [await greet(), await greet({ instance: 'w2' })];
  for (const worker of workers) worker.say({ type: 'beat', tasks: [] });
  await eventually(() => mereBeats.length > 0);
  const { shard, request } = mereBeats[0] as (typeof mereBeats)[number];
  expect(shard).toBe(shardOfAgent(defaultWorkspace, 'reader'));
  expect(request.ids.map((id) => introduced.get(id))).toEqual(['w1', 'w2']);
  expect(request).toMatchObject({ inFlight: [0, 0], ageMs: [expect.any(Number), expect.any(Number)] });
  expect(instanceBeats).toHaveLength(2);
  introduced.clear();
  workers[1]?.say({ type: 'beat', tasks: [] });
  await eventually(() => mereBeats.length > 1);
  await eventually(() => {
    workers[1]?.say({ type: 'beat', tasks: [] });
    return instanceBeats.length > 2;
  });
  expect(instanceBeats[2]).toMatchObject({ agent: 'reader', instance: 'w2', capacity: 2, inFlight: 0 });
  // One that has drained says goodbye at once, in this test.
  for (const worker of workers) worker.say({ type: 'drain' });
  await eventually(() => instanceBeats.filter(({ status }) => status === 'draining').length === 2);
  for (const worker of workers) worker.socket.close();
  await eventually(() => instanceBeats.filter(({ status }) => status === 'gone').length === 2);
});

test('a worker that drains gets nothing more, and says goodbye when it goes', async () => {
  const worker = await greet();
  worker.say({ type: 'drain' });
  await eventually(() => instanceBeats.some(({ status }) => status === 'draining'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  offer();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(worker.heard).toEqual([]);
  worker.socket.close();
  await eventually(() => instanceBeats.some(({ status, reason }) => status === 'gone' && reason === 'it has stopped'));
});

test('a connection that breaks is a goodbye only if the worker does not come back', async () => {
  const first = await greet();
  first.socket.terminate();
  const again = await greet();
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect(instanceBeats.filter(({ status }) => status === 'gone')).toEqual([]);
  again.socket.terminate();
  await eventually(() => instanceBeats.some(({ status, reason }) => status === 'gone' && reason === 'its connection was lost'));
});

test.each([
  ['no key', '', 401],
  ['an unknown key', 'sbx_unknown_key_of_nobody_at_all', 401],
  ['a key that may not work', viewerKey, 403],
])('a dial with %s is refused with a problem document', async (_, key, status) => {
  const socket = new WebSocket(
    `${gateway.url.replace('http', 'ws')}/api/v1/workers/connect`,
    key === '' ? {} : { headers: { authorization: `Bearer ${key}` } },
  );
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number; headers: Record<string, string> }];
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toMatch(/problem\+json/);
});

test.each([
  ['not JSON', 'nonsense', /JSON/],
  ['a list', '[]', /JSON object/],
  ['a task before hello', '{"type":"beat","tasks":[]}', /must be hello/],
  ['hello without a name', '{"type":"hello","agent":"reader"}', /instance is missing/],
  ['a capacity that is none', '{"type":"hello","agent":"reader","instance":"w","capacity":-1}', /whole number/],
  ['skills that are none', '{"type":"hello","agent":"reader","instance":"w","capacity":1,"skills":[1]}', /a skill has a name/],
  ['skills that are no list', '{"type":"hello","agent":"reader","instance":"w","capacity":1,"skills":{}}', /list of at most/],
  ['a version that is none', '{"type":"hello","agent":"reader","instance":"w","capacity":1,"version":0}', /whole number/],
  ['another’s agent', '{"type":"hello","agent":"other","instance":"w","capacity":1}', /no agent other/],
])('%s closes the connection, with why', async (_, text, reason) => {
  const worker = await dial();
  worker.socket.send(text);
  const closed = await worker.closed;
  expect(closed.code).toBe(1008);
  expect(closed.reason).toMatch(reason);
});

test('a worker is greeted once, and says only what there is', async () => {
  const worker = await greet();
  worker.say({ type: 'hello', agent: 'reader', instance: 'w1', capacity: 1 });
  expect((await worker.closed).reason).toMatch(/said before/);
  for (const bad of [
    { type: 'accepted', task: 'x' },
    { type: 'beat', tasks: ['x'] },
    { type: 'progress', task: `${newId('run')}.0.x.1` },
  ]) {
    const other = await greet();
    other.say(bad);
    expect((await other.closed).code).toBe(1008);
  }
});

test('a message that is too large closes the connection', async () => {
  const worker = await greet();
  worker.say({ type: 'complete', task: `${newId('run')}.0.x.1`, output: 'x'.repeat(600_000) });
  expect((await worker.closed).code).toBe(1009);
});

test('a worker that falls silent is cut', async () => {
  const worker = await greet();
  expect((await worker.closed).code).toBe(1006);
}, 20_000);
