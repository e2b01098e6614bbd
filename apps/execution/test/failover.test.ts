import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import type { LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { whyRun } from '@signalbox/shared/contracts/execution/why-run.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
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
