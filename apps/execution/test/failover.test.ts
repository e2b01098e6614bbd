import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import type { LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { instancesMeasured } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { leaseTasks } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { tasksTakenBack } from '@signalbox/shared/contracts/execution/tasks-taken-back.js';
import { whyRun, type WhyRunReply } from '@signalbox/shared/contracts/execution/why-run.js';
import { agentChanged, instanceChanged, type AgentChanged } from '@signalbox/shared/contracts/registry/events.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { answerAsProtocol, apply, ended, start, startExecution, TestWorker, until, type TestAgent } from './peers.ts';

const agents: Record<string, TestAgent> = {
  first: { kind: 'worker', skills: ['read'] },
  second: { kind: 'worker', skills: ['read'], live: 1 },
  asleep: { kind: 'worker', skills: ['read'] },
  other: { kind: 'worker', skills: ['write'], live: 1 },
  web: { kind: 'http' },
  spare: { kind: 'http' },
  broken: { kind: 'http', breaker: 'open' },
  guarded: { kind: 'worker' },
  shut: { kind: 'worker', skills: ['read'] },
};

let service: ServiceUnderTest;
let call: (task: StartTaskRequest) => Promise<TaskResult> | TaskResult = () => ({ output: null });

beforeAll(async () => {
  service = await startExecution(agents);
  await answerAsProtocol(service, (task) => call(task));
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

function agentEvent(name: string): Omit<AgentChanged, 'change' | 'status'> {
  return { id: newId('agent'), name, kind: 'worker', version: 1, hash: `sha256:${'0'.repeat(64)}` };
}

async function begin(name: string, step: object): Promise<string> {
  await apply(service, name, { a: step });
  return (await start(service, { workflow: name, input: {} })).id;
}

test('all workers of an agent die in the middle of an attempt: another agent goes on with what they told, and their late result is refused', async () => {
  const held: LeasedTask[] = [];
  const dying = new TestWorker(service, 'first', async (task) => {
    held.push(task);
    await dying.say(task, 'page 1');
    await dying.say(task, 'page 2', { pages: 2 });
    await sleep(60_000, undefined, { ref: false });
    return { output: null };
  });
  const run = await begin('dying', {
    agent: 'first',
    skill: 'read',
    failover: { to: ['asleep', 'second'], after: '1s' },
    retry: { attempts: 3, backoff: { initialMs: 10 } },
  });
  await until(service, run, ({ steps }) => steps[0]?.status === 'running' && held.length > 0);
  await sleep(1_500);
  dying.kill();
  const taken: LeasedTask[] = [];
  await using _ = new TestWorker(service, 'second', (task) => {
    taken.push(task);
    return { output: 'read' };
  });
  const done = await ended(service, run, 15_000);
  expect(done).toMatchObject({ status: 'succeeded', output: { a: 'read' } });
  expect(done.steps[0]).toMatchObject({
    agent: 'second',
    attempts: [
      { number: 1, agent: 'first', status: 'failed', error: { code: 'unavailable' } },
      { number: 2, agent: 'first', status: 'failed', error: { detail: expect.stringContaining('no worker of first is connected') } },
      { number: 3, agent: 'second', status: 'succeeded' },
    ],
  });
  expect(taken).toHaveLength(1);
  expect(taken[0]?.idempotencyKey).toBe(held[0]?.idempotencyKey);
  expect(taken[0]?.handover?.attempts).toMatchObject([
    { number: 1, agent: 'first', messages: [{ message: 'page 1' }, { message: 'page 2' }], partial: { pages: 2 } },
    { number: 2, startedAt: null },
  ]);
  const late = held[0] as LeasedTask;
  const as = { principal: 'agent_first', name: 'first', roles: ['agent' as const] };
  await expect(
    service.request(completeWork, { task: late.task, instance: dying.instance, output: 'late' }, { as, shard: shardOfTask(late.task) }),
  ).rejects.toMatchObject({ code: expect.stringMatching(/^(?:conflict|forbidden|not_found)$/) });
  const { data } = await service.request(listRunEvents, { run });
  expect(data).toContainEqual(expect.objectContaining({ type: 'step.retrying', step: 'a', message: 'second takes over' }));
  expect(data).toContainEqual(expect.objectContaining({ type: 'step.started', attempt: 3, agent: 'second' }));
  expect(data.find(({ type }) => type === 'step.succeeded')).not.toHaveProperty('agent', 'first');
}, 40_000);

test('a task whose agent has no worker goes to one with the same skill that has, and why says so before', async () => {
  await using _ = new TestWorker(service, 'second', (task) => ({ output: task.attempt }));
  await using __ = new TestWorker(service, 'other', () => ({ output: 'wrong' }));
  const run = await begin('queued', { agent: 'asleep', skill: 'read', failover: { skill: true, after: '2s' } });
  await until(service, run, ({ steps }) => steps[0]?.status === 'queued');
  const { chain } = await service.request(whyRun, { run });
  expect(chain.at(-1)).toMatchObject({
    kind: 'no-worker',
    next: expect.stringContaining('After 2 s another agent with this skill goes on.'),
  });
  expect(await ended(service, run, 15_000)).toMatchObject({ status: 'succeeded', output: { a: 2 }, steps: [{ agent: 'second' }] });
}, 30_000);

test('where nobody else is there, a task waits on for its own agent', async () => {
  const run = await begin('nobody', { agent: 'first', failover: { to: ['asleep', 'nowhere'], after: '200ms' } });
  await sleep(2_500);
  const waiting = await until(service, run, () => true);
  expect(waiting.steps[0]).toMatchObject({ status: 'queued', agent: 'first', attempts: [{ number: 1 }] });
  await using _ = new TestWorker(service, 'first', () => ({ output: 'back' }));
  expect(await ended(service, run)).toMatchObject({ status: 'succeeded', output: { a: 'back' } });
}, 30_000);

test('when its attempts are used up, the next agent that is ready goes on, until none is left', async () => {
  call = ({ agent, handover }) =>
    agent === 'spare' && handover?.attempts.length === 2
      ? { output: handover.attempts.map(({ agent: name, code }) => `${name} ${code}`) }
      : { error: { code: 'internal', detail: `${agent} is out of order` } };
  const step = { agent: 'web', failover: { to: ['broken', 'spare'] }, retry: { attempts: 2, backoff: { initialMs: 1 } } };
  expect(await ended(service, await begin('used-up', step))).toMatchObject({
    status: 'succeeded',
    output: { a: ['web internal', 'web internal'] },
    steps: [{ agent: 'spare', attempts: [{ agent: 'web' }, { agent: 'web' }, { agent: 'spare' }] }],
  });
  call = ({ agent }) => ({ error: { code: 'internal', detail: `${agent} is out of order` } });
  const failed = await ended(service, await begin('all-used-up', step));
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'internal', detail: 'a: broken is out of order' } });
  expect(failed.steps[0]?.attempts.map(({ agent }) => agent)).toEqual(['web', 'web', 'spare', 'spare', 'broken', 'broken']);
}, 30_000);

test('an instance that is isolated loses what it has and gets no more, until the registry lets it in again', async () => {
  const held: LeasedTask[] = [];
  const hang = async (task: LeasedTask): Promise<TaskResult> => {
    held.push(task);
    await sleep(60_000, undefined, { ref: false });
    return { output: null };
  };
  await using bad = new TestWorker(service, 'guarded', hang, 1);
  const run = await begin('guarded', { agent: 'guarded', retry: { attempts: 3, backoff: { initialMs: 10 } } });
  await until(service, run, ({ steps }) => steps[0]?.status === 'running' && held.length > 0);
  const told = await service.record(tasksTakenBack);
  const measured = await service.record(instancesMeasured);
  agents['guarded'] = { kind: 'worker', isolated: [bad.instance] };
  const change = { id: newId('instance'), agent: 'guarded', instance: bad.instance, status: 'isolated' as const, capacity: 1 };
  await service.publish(instanceChanged, change);
  await expect(told.next()).resolves.toEqual({ agent: 'guarded', instance: bad.instance, tasks: 1 });
  const late = held[0] as LeasedTask;
  const as = { principal: 'agent_guarded', name: 'guarded', roles: ['agent' as const] };
  await expect(
    service.request(completeWork, { task: late.task, instance: bad.instance, output: 'late' }, { as, shard: shardOfTask(late.task) }),
  ).rejects.toMatchObject({ code: 'conflict' });
  const wish = { agent: 'guarded', instance: bad.instance, credit: 1, waitMs: 300 };
  await expect(service.request(leaseTasks, wish, { as })).resolves.toMatchObject({ tasks: [] });
  {
    await using _ = new TestWorker(service, 'guarded', () => ({ output: 'well' }));
    expect(await ended(service, run)).toMatchObject({ status: 'succeeded', output: { a: 'well' } });
  }
  const ofBad = await measured.next(({ instances }) => instances.some(({ instance }) => instance === bad.instance));
  expect(ofBad.instances.find(({ instance }) => instance === bad.instance)).toMatchObject({ agent: 'guarded', succeeded: 0, failed: 1 });
  await bad[Symbol.asyncDispose]();
  // On trial it gets one task at a time, however many it asks for.
  agents['guarded'] = { kind: 'worker', trial: [bad.instance] };
  await service.publish(agentChanged, { ...agentEvent('guarded'), change: 'routing', status: 'healthy' });
  const runs = await Promise.all([1, 2].map(() => start(service, { workflow: 'guarded', input: {} })));
  const lease = (instance: string): Promise<LeasedTask[]> =>
    service.request(leaseTasks, { agent: 'guarded', instance, credit: 5, waitMs: 5_000 }, { as }).then(({ tasks }) => tasks);
  expect(await lease(bad.instance)).toHaveLength(1);
  await expect(service.request(leaseTasks, { ...wish, credit: 5 }, { as })).resolves.toMatchObject({ tasks: [] });
  expect(await lease('another')).toHaveLength(1);
  for (const { id } of runs) await service.request(cancelRun, { run: id });
}, 40_000);

test('where nobody is there, what the step declares stands in, and run, step, events and why say so', async () => {
  const whenUnavailable = { use: { score: '${{ input.usual }}' }, after: '1s' };
  await apply(service, 'declared', {
    a: { agent: 'asleep', skill: 'read', failover: { to: ['nowhere'], after: '200ms' }, whenUnavailable },
    b: { agent: 'missing', whenUnavailable: { skip: true, after: '1h' } },
  });
  const { id: run } = await start(service, { workflow: 'declared', input: { usual: 3 } });
  await until(service, run, ({ steps }) => steps[0]?.status === 'queued');
  expect((await service.request(whyRun, { run })).chain.at(-1)).toMatchObject({
    kind: 'no-worker',
    next: expect.stringContaining('After 1 s without anybody what it declares stands in.'),
  });
  const done = await ended(service, run, 15_000);
  expect(done).toMatchObject({
    status: 'succeeded',
    reason: 'degraded: a, b',
    output: { a: { score: 3 }, b: null },
    degraded: [
      { step: 'a', error: { code: 'unavailable', detail: expect.stringContaining('no worker of asleep is connected') } },
      { step: 'b', error: { code: 'not_found' } },
    ],
    steps: [
      { status: 'succeeded', degraded: { code: 'unavailable' }, attempts: [{ error: { code: 'unavailable' } }] },
      { status: 'skipped', degraded: { code: 'not_found' } },
    ],
  });
  const { data } = await service.request(listRunEvents, { run });
  expect(data.filter(({ type }) => type === 'step.degraded').map(({ step }) => step)).toEqual(['b', 'a']);
  expect((await service.request(whyRun, { run, key: 'a' })).chain.at(-1)).toMatchObject({
    because: expect.stringContaining('what it declares stands in'),
  });
}, 30_000);

test('an agent that is isolated gets nothing: its tasks go to another with the skill at once, and why says so where there is none', async () => {
  await using _ = new TestWorker(service, 'second', () => ({ output: 'read' }));
  agents['shut'] = { kind: 'worker', skills: ['read'], status: 'isolated' };
  const moved = await begin('moved', { agent: 'shut', skill: 'read', failover: { skill: true, after: '1h' } });
  expect(await ended(service, moved, 15_000)).toMatchObject({ status: 'succeeded', output: { a: 'read' }, steps: [{ agent: 'second' }] });
  const waits = await begin('waits', { agent: 'shut', skill: 'read' });
  await until(service, waits, ({ steps }) => steps[0]?.status === 'queued');
  const why = async (): Promise<WhyRunReply> => service.request(whyRun, { run: waits });
  for (let tries = 0; tries < 100 && (await why()).chain.at(-1)?.kind !== 'isolated'; tries++) await sleep(50);
  expect((await why()).chain.at(-1)).toMatchObject({ kind: 'isolated', because: 'shut is isolated' });
  await service.request(cancelRun, { run: waits });
}, 40_000);
