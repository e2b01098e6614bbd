import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import type { LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { instancesMeasured } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { leaseTasks } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { restoreWorkflow } from '@signalbox/shared/contracts/execution/restore-workflow.js';
import { scaleBackWorkflow } from '@signalbox/shared/contracts/execution/scale-back-workflow.js';
import { workflowScaled } from '@signalbox/shared/contracts/execution/workflow-scaled.js';
import type { ScaledBack } from '@signalbox/shared/contracts/execution/workflow-view.js';
import { routingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
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
  leaving: { kind: 'worker' },
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

test('what an instance that is gone had is told', async () => {
  let hasBegun = false;
  const leaving = new TestWorker(service, 'leaving', async () => {
    hasBegun = true;
    await sleep(60_000, undefined, { ref: false });
    return { output: null };
  });
  const run = await begin('leaving', { agent: 'leaving' });
  await until(service, run, ({ steps }) => steps[0]?.status === 'running' && hasBegun);
  const told = await service.record(tasksTakenBack);
  const { instance } = leaving;
  leaving.kill();
  await service.publish(instanceChanged, { id: newId('instance'), agent: 'leaving', instance, status: 'gone', capacity: 1 });
  await expect(told.next()).resolves.toEqual({ agent: 'leaving', instance, tasks: 1 });
}, 20_000);

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

describe('a workflow that is scaled back', () => {
  const scaleBack = { to: 'small', after: '500ms', restoreAfter: '500ms' };
  const routing = (agent: string): Promise<void> =>
    service.publish(routingChanged, {
      agent,
      change: 'instance',
      instance: { id: newId('instance'), instance: 'i', status: 'live', capacity: 1 },
    });
  const active = async (): Promise<ScaledBack | null | undefined> =>
    (await service.request(getWorkflow, { name: 'big' })).scaleBack?.active;
  async function untilActive(is: boolean): Promise<ScaledBack | null | undefined> {
    for (const end = performance.now() + 20_000; performance.now() < end; await sleep(50)) {
      const seen = await active();
      if (((seen ?? null) !== null) === is) return seen;
    }
    throw new Error(`it is not ${is ? 'scaled back' : 'restored'}: ${JSON.stringify(await active())}`);
  }

  beforeAll(async () => {
    agents['crew'] = { kind: 'worker', skills: ['read'], live: 1 };
    await apply(service, 'big', { a: { agent: 'crew', skill: 'read' } }, { scaleBack });
  });

  test('by hand only where it names a smaller one that is there', async () => {
    await apply(service, 'plain', { a: { value: 1 } });
    await expect(service.request(scaleBackWorkflow, { name: 'nothing' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(scaleBackWorkflow, { name: 'plain' })).rejects.toMatchObject({
      code: 'conflict',
      detail: 'the workflow plain names no smaller one',
    });
    await expect(service.request(scaleBackWorkflow, { name: 'big' })).rejects.toMatchObject({
      detail: 'there is no workflow small, which big is scaled back to',
    });
    await expect(service.request(restoreWorkflow, { name: 'nothing' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(scaleBackWorkflow, { name: 'big' }, { as: { roles: ['viewer'] } })).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect((await start(service, { workflow: 'big', input: {} })).workflow).toBe('big');
  });

  test('while nobody is there for an agent that it needs new runs get the smaller one and say so; and itself once that has lasted', async () => {
    await apply(service, 'small', { a: { value: 'less' } }, { input: { type: 'object', not: { required: ['much'] } } });
    const told = await service.record(workflowScaled);
    agents['crew'] = { kind: 'worker', skills: ['read'], live: 0 };
    await routing('crew');
    const seen = await untilActive(true);
    expect(seen).toMatchObject({ how: 'auto', by: 'execution', because: 'nobody is there for crew: it is healthy' });
    await expect(told.next()).resolves.toMatchObject({ workflow: 'big', to: 'small', isScaledBack: true, agents: ['crew'] });
    const key = { workflow: 'big', input: { n: 1 }, idempotencyKey: 'scaled' };
    const run = await start(service, key);
    expect(run).toMatchObject({
      workflow: 'small',
      insteadOf: { workflow: 'big', because: 'nobody is there for crew: it is healthy' },
      labels: { 'scaled-back-from': 'big' },
    });
    expect(await ended(service, run.id)).toMatchObject({ status: 'succeeded', output: { a: 'less' }, insteadOf: { workflow: 'big' } });
    await apply(service, 'parent', { child: { workflow: 'big' } });
    expect(await ended(service, (await start(service, { workflow: 'parent', input: {} })).id)).toMatchObject({
      output: { child: { a: 'less' } },
    });
    // What the smaller one does not take gets what it asked for.
    expect(await start(service, { workflow: 'big', input: { much: 1 } })).toMatchObject({ workflow: 'big', labels: {} });
    agents['crew'] = { kind: 'worker', skills: ['read'], live: 1 };
    await routing('crew');
    await untilActive(false);
    await expect(told.next(({ isScaledBack }) => !isScaledBack)).resolves.toMatchObject({
      workflow: 'big',
      because: 'all that it needs is there again',
    });
    expect((await start(service, { workflow: 'big', input: {} })).workflow).toBe('big');
    // The same key is the same run, whatever a start would get now.
    expect(await start(service, key)).toMatchObject({ id: run.id, workflow: 'small' });
  }, 60_000);

  test('what somebody did stays until somebody restores it; without a smaller one it ends', async () => {
    const told = await service.record(workflowScaled);
    const audit = await service.record(auditEvents.execution);
    const done = await service.request(scaleBackWorkflow, { name: 'big', reason: 'a drill' });
    expect(done.scaleBack?.active).toMatchObject({ how: 'hand', because: 'a drill' });
    expect((await audit.next(({ action }) => action === 'workflow.scale-back')).target).toBe('workflow big');
    await sleep(1_500);
    expect(await active()).toMatchObject({ how: 'hand' });
    expect((await start(service, { workflow: 'big', input: {} })).workflow).toBe('small');
    expect((await service.request(restoreWorkflow, { name: 'big' })).scaleBack?.active).toBeNull();
    await told.next(({ isScaledBack, how }) => !isScaledBack && how === 'hand');
    await service.request(scaleBackWorkflow, { name: 'big' });
    await apply(service, 'big', { a: { agent: 'crew', skill: 'read' } });
    await expect(told.next(({ because }) => because.includes('names no smaller'))).resolves.toMatchObject({
      to: 'small',
      isScaledBack: false,
    });
    expect((await start(service, { workflow: 'big', input: {} })).workflow).toBe('big');
  }, 40_000);

  test('tasks that wait too long are want of capacity too', async () => {
    await apply(service, 'big', { a: { agent: 'crew', skill: 'read' } }, { scaleBack: { ...scaleBack, waitOver: '300ms' } });
    const waits = await start(service, { workflow: 'big', input: {} });
    expect(await untilActive(true)).toMatchObject({ because: expect.stringMatching(/^a task of crew has waited for \d+ s$/) });
    await using _ = new TestWorker(service, 'crew', () => ({ output: 'read' }));
    expect(await ended(service, waits.id)).toMatchObject({ status: 'succeeded', workflow: 'big' });
    await untilActive(false);
  }, 60_000);
});
