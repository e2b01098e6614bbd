import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { acceptTask } from '@signalbox/shared/contracts/execution/accept-task.js';
import { beatTasks } from '@signalbox/shared/contracts/execution/beat-tasks.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { completeTask } from '@signalbox/shared/contracts/execution/complete-task.js';
import { completeWork } from '@signalbox/shared/contracts/execution/complete-work.js';
import { acceptWork } from '@signalbox/shared/contracts/execution/accept-work.js';
import { beatWork } from '@signalbox/shared/contracts/execution/beat-work.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { instancesMeasured, type VersionMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { mirrorsMeasured, type MirrorPair, type MirrorsMeasured } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { getStep, type GetStepReply } from '@signalbox/shared/contracts/execution/get-step.js';
import { invokeAgent } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { leaseTasks, type LeasedTask, type LeaseTasksReply } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { eventsIn, runProgressed } from '@signalbox/shared/contracts/execution/run-event.js';
import { listCalls, type ListCallsReply } from '@signalbox/shared/contracts/execution/list-calls.js';
import { listRecordedRuns, recordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { listOutputs, type ListOutputsReply } from '@signalbox/shared/contracts/execution/list-outputs.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { startDefinition } from '@signalbox/shared/contracts/execution/start-definition.js';
import { shardOfTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { instanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { routingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import type { TaskResult } from '@signalbox/shared/contracts/execution/failure.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { newId, toUuid } from '@signalbox/shared/ids/ids.js';
import type { EventRecorder } from '@signalbox/testkit/event-recorder.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { answerAsProtocol, apply, ended, start, startExecution, TestWorker, until, workflow, type TestAgent } from './peers.ts';

let service: ServiceUnderTest;
let call: (task: StartTaskRequest) => Promise<TaskResult> | TaskResult = () => ({ output: null });

/** Agents of which a version is rolled out. */
const rolled: Record<'served' | 'crew' | 'shadowed' | 'pack', TestAgent> = {
  served: { kind: 'http', route: { version: 1, candidate: { rollout: newId('rollout'), version: 2, share: 0.5, stickBy: 'call' } } },
  crew: {
    kind: 'worker',
    skills: ['do'],
    outputSchemas: { 1: { const: 'current' }, 2: { const: 'next' } },
    route: { version: 1, candidate: { rollout: newId('rollout'), version: 2, share: 0, labels: { tenant: 'beta' }, stickBy: 'call' } },
  },
  shadowed: { kind: 'http', skills: ['do'], concurrency: 1, outputSchemas: { 1: { type: 'object' }, 2: { type: 'object' } } },
  pack: { kind: 'worker', skills: ['do'] },
};

/** A version that gets no calls but mirrored ones. */
function mirroredTo(rollout: string, mirror: object = {}): NonNullable<TestAgent['route']> {
  const all = { share: 1, perSecond: 1_000, inFlight: 64, ...mirror };
  return { version: 1, candidate: { rollout, version: 2, share: 0, stickBy: 'call', mirror: all } };
}

beforeAll(async () => {
  service = await startExecution({
    ...rolled,
    slow: { kind: 'worker', concurrency: 2 },
    frail: { kind: 'worker' },
    lone: { kind: 'worker', skills: ['only'] },
    held: { kind: 'worker' },
    counter: {
      kind: 'worker',
      skills: ['count'],
      outputSchema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
    },
    aged: { kind: 'worker' },
    web: { kind: 'http' },
    spare: { kind: 'llm' },
    many: { kind: 'llm', skills: ['one', 'two'] },
  });
  await answerAsProtocol(service, (task) => call(task));
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

async function play(name: string, steps: Record<string, object>, rest: object = {}, input: unknown = {}): ReturnType<typeof ended> {
  await apply(service, name, steps, rest);
  const { id } = await start(service, { workflow: name, input });
  return ended(service, id);
}

test('an answer that its skill does not promise is a failed attempt of whoever gave it, and no step goes on with it', async () => {
  const answers: unknown[] = ['<html>', { n: 'many' }, { n: 3 }];
  await using worker = new TestWorker(service, 'counter', () => Promise.resolve({ output: answers.shift() }));
  const run = await play(
    'garbage',
    { a: { agent: 'counter', retry: { attempts: 3, backoff: { initialMs: 10 } } } },
    { outputs: { n: '${{ steps.a.output.n }}' } },
  );
  expect([run.status, run.output, worker.done.length]).toEqual(['succeeded', { n: 3 }, 3]);
  const { data } = await service.request(listRunEvents, { run: run.id });
  const failed = data.flatMap(({ error }) => (error ? [error.detail] : []));
  expect(failed).toEqual([
    'its answer is not what the skill count of counter promises: it must be object',
    'its answer is not what the skill count of counter promises: /n must be integer',
  ]);
});

test('shared state is read and written through protocol; a lost race fails the step, and is not tried again by itself', async () => {
  const seen: StartTaskRequest['state'][] = [];
  call = ({ state }) => {
    seen.push(state);
    if (state?.set === undefined) return { output: { value: ['a'], version: 3 } };
    return state.version === 3 ? { output: { version: 4 } } : { error: { code: 'conflict', detail: 'the key is at version 4, not 2' } };
  };
  const board = { scope: 'workspace', key: '${{ input.board }}' };
  const run = await play(
    'state',
    {
      read: { state: board },
      write: { state: { ...board, set: '${{ steps.read.output.value + ["b"] }}', version: '${{ steps.read.output.version }}' } },
      late: { needs: ['write'], state: { ...board, set: null, version: 2 }, onError: 'continue' },
    },
    { outputs: { version: '${{ steps.write.output.version }}' } },
    { board: 'case-17' },
  );
  expect(run).toMatchObject({ status: 'succeeded', output: { version: 4 } });
  const at = { scope: 'workspace', key: 'case-17' };
  expect(seen).toEqual([at, { ...at, set: ['a', 'b'], version: 3 }, { ...at, set: null, version: 2 }]);
  expect(run.steps.map(({ kind, status }) => `${kind} ${status}`)).toEqual(['state succeeded', 'state succeeded', 'state failed']);
  await expect(apply(service, 'state', { read: { state: { ...board, version: 1 } } })).rejects.toMatchObject({ code: 'invalid' });
});

test('a version that is rolled out gets its share of the calls, each attempt of a call the same one, which is recorded and measured', async () => {
  const measured = await service.record(instancesMeasured);
  const asked: StartTaskRequest[] = [];
  call = (task) => {
    asked.push(task);
    const isFirst = asked.filter(({ idempotencyKey }) => idempotencyKey === task.idempotencyKey).length === 1;
    return isFirst && task.agentVersion === 2
      ? { error: { code: 'unavailable', detail: 'not yet' } }
      : { output: 1, usage: { inputTokens: 1, outputTokens: 1, costUsd: 0.5 } };
  };
  const each = { forEach: '${{ input.items }}', agent: 'served', retry: { attempts: 2, backoff: { initialMs: 1 } } };
  const items = Array.from({ length: 40 }, (_, index) => index);
  await apply(service, 'rolled', { each, named: { agent: 'served', version: 7 } });
  const { id } = await start(service, { workflow: 'rolled', input: { items } });
  await expect(ended(service, id)).resolves.toMatchObject({ status: 'succeeded' });
  const versions = new Map(asked.map(({ idempotencyKey, agentVersion }) => [idempotencyKey, agentVersion]));
  const of = (version: number): number => [...versions.values()].filter((one) => one === version).length;
  // Of 40 by halves: fewer than 6 or more than 34 come once in a million times.
  expect(of(2)).toBeGreaterThan(5);
  expect(of(2)).toBeLessThan(35);
  expect([of(1) + of(2), of(7)]).toEqual([40, 1]);
  // The attempts that failed were tried again at the same version.
  for (const { idempotencyKey, agentVersion } of asked) expect(versions.get(idempotencyKey)).toBe(agentVersion);
  expect(asked).toHaveLength(41 + of(2));
  const { data } = await service.request(listRunEvents, { run: id, limit: 200 });
  expect(data.filter(({ message }) => message === 'by version 2')).toHaveLength(2 * of(2));
  const sums = { succeeded: 0, failed: 0, costUsd: 0 };
  const told = (): VersionMeasure[] =>
    measured.heard.flatMap(({ payload }) => payload.versions ?? []).filter(({ version }) => version === 2);
  await measured.next(() => told().reduce((sum, { succeeded }) => sum + succeeded, 0) >= of(2));
  for (const one of told()) {
    sums.succeeded += one.succeeded;
    sums.failed += one.failed;
    sums.costUsd += one.costUsd;
    expect(one.durations.reduce((sum, count) => sum + count, 0)).toBe(one.succeeded + one.failed);
  }
  expect(sums).toEqual({ succeeded: of(2), failed: of(2), costUsd: of(2) / 2 });
});

test('runs with a label go to workers of the version that is rolled out, the others to none of them, each held to what its version promises; after a rollback none does', async () => {
  await using current = new TestWorker(service, 'crew', () => ({ output: 'current' }));
  await using next = new TestWorker(service, 'crew', () => ({ output: 'next' }), 8, 2);
  await apply(service, 'crewed', { a: { agent: 'crew' } });
  const run = async (labels: Record<string, string>): Promise<unknown> => {
    const { id } = await start(service, { workflow: 'crewed', input: {}, labels });
    return (await ended(service, id)).output;
  };
  for (let count = 0; count < 3; count++) {
    expect(await run({ tenant: 'beta' })).toMatchObject({ a: 'next' });
    expect(await run({ tenant: 'other' })).toMatchObject({ a: 'current' });
  }
  rolled.crew.route = { version: 1 };
  await service.publish(routingChanged, { agent: 'crew', change: 'routing' });
  for (let count = 0; count < 3; count++) expect(await run({ tenant: 'beta' })).toMatchObject({ a: 'current' });
  expect([current.done.length, next.done.length]).toEqual([6, 3]);
});

describe('mirrored calls', () => {
  /** The pairs of a rollout, once so many were told, and so many calls that were skipped. */
  async function toldOf(told: EventRecorder<MirrorsMeasured>, rollout: string, pairs: number, skipped = 0): Promise<MirrorPair[]> {
    const all = (): MirrorsMeasured[] => told.heard.map(({ payload }) => payload).filter((one) => one.rollout === rollout);
    const isAll = (): boolean =>
      all().flatMap((one) => one.pairs).length >= pairs && all().reduce((sum, one) => sum + one.skipped, 0) >= skipped;
    await told.next(isAll, 20_000);
    return all().flatMap((one) => one.pairs);
  }

  test('are made of what the stable version answered, while the real call has long been answered; nothing of the run tells of them', async () => {
    const rollout = newId('rollout');
    rolled.shadowed.route = mirroredTo(rollout);
    const [told, measured] = [await service.record(mirrorsMeasured), await service.record(instancesMeasured)];
    const asked: StartTaskRequest[] = [];
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    call = async (task) => {
      asked.push(task);
      const { n } = task.input as { n: number };
      if (task.isMirror !== true) return { output: { n } };
      // The real ones are all answered meanwhile, though the agent takes one call at a time.
      await held;
      if (n === 1) return { error: { code: 'unavailable', detail: 'it broke' }, usage: { inputTokens: 1, outputTokens: 1, costUsd: 0.5 } };
      return { output: n === 2 ? 'not as promised' : { n: n === 3 ? -1 : n } };
    };
    const { id, ...run } = await play(
      'mirrored',
      { each: { forEach: '${{ input.items }}', agent: 'shadowed', with: { n: '${{ item }}' } } },
      {},
      { items: [0, 1, 2, 3] },
    );
    expect(run).toMatchObject({ status: 'succeeded', output: { each: [{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }] } });
    expect(asked.filter(({ isMirror }) => isMirror !== true).map(({ agentVersion }) => agentVersion)).toEqual([1, 1, 1, 1]);
    letGo();
    const pairs = (await toldOf(told, rollout, 4)).sort((a, b) => (a.input as { n: number }).n - (b.input as { n: number }).n);
    expect(pairs.map(({ isEqual }) => isEqual)).toEqual([true, false, false, false]);
    expect(pairs).toMatchObject([
      { stable: { output: { n: 0 } }, candidate: { output: { n: 0 } } },
      { stable: { output: { n: 1 } }, candidate: { error: 'unavailable: it broke', costUsd: 0.5 } },
      { stable: { output: { n: 2 } }, candidate: { output: 'not as promised', invalid: 'it must be object' } },
      { stable: { output: { n: 3 } }, candidate: { output: { n: -1 } } },
    ]);
    const mirrored = asked.filter(({ isMirror }) => isMirror === true);
    expect(mirrored.map(({ agentVersion }) => agentVersion)).toEqual([2, 2, 2, 2]);
    const keys = new Set(asked.map(({ idempotencyKey }) => idempotencyKey));
    expect(keys.size).toBe(8);
    const { data } = await service.request(listRunEvents, { run: id, limit: 200 });
    expect(JSON.stringify(data)).not.toMatch(/mirror|version 2|it broke/);
    const { versions = [] } = await measured.next((payload) => payload.versions?.some(({ agent }) => agent === 'shadowed') === true);
    expect(versions.map(({ version, failed }) => [version, failed])).toEqual([[1, 0]]);
    rolled.shadowed.route = { version: 1 };
    await service.publish(routingChanged, { agent: 'shadowed', change: 'routing' });
  });

  test('of workers go to those of the new version alone and say what they are; one that hangs takes no more than its bound, and a rollback ends them', async () => {
    const rollout = newId('rollout');
    rolled.pack.route = mirroredTo(rollout, { inFlight: 2 });
    const told = await service.record(mirrorsMeasured);
    const begun: LeasedTask[] = [];
    await using stable = new TestWorker(service, 'pack', () => ({ output: 'stable' }));
    await using next = new TestWorker(
      service,
      'pack',
      (task) => {
        begun.push(task);
        return new Promise<TaskResult>(() => undefined);
      },
      8,
      2,
    );
    const items = [0, 1, 2, 3, 4];
    const run = await play('packed', { each: { forEach: '${{ input.items }}', agent: 'pack', with: '${{ item }}' } }, {}, { items });
    expect(run).toMatchObject({ status: 'succeeded', output: { each: items.map(() => 'stable') } });
    await toldOf(told, rollout, 0, 3);
    expect([stable.done.length, next.done.length]).toEqual([5, 0]);
    for (const deadline = performance.now() + 20_000; begun.length < 2 && performance.now() < deadline;) await sleep(10);
    expect(begun.map(({ isMirror, isAccepted }) => [isMirror, isAccepted])).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(stable.done.every(({ isMirror }) => isMirror === undefined)).toBe(true);
    rolled.pack.route = { version: 1 };
    await service.publish(routingChanged, { agent: 'pack', change: 'routing' });
    await toldOf(told, rollout, 0, 5);
    const [{ task }] = begun as [LeasedTask];
    const late = { as: { principal: 'agent_pack', name: 'pack', roles: ['agent' as const] }, shard: shardOfTask(task) };
    await expect(service.request(completeWork, { task, instance: next.instance, output: 'late' }, late)).rejects.toMatchObject({
      code: 'conflict',
    });
    await play('packed', { each: { forEach: '${{ input.items }}', agent: 'pack', with: '${{ item }}' } }, {}, { items });
    expect(begun).toHaveLength(2);
  });

  test('are no more than their rate, and none of calls that name a version or say nothing of it', async () => {
    const rollout = newId('rollout');
    rolled.shadowed.route = mirroredTo(rollout, { perSecond: 1 });
    await service.publish(routingChanged, { agent: 'shadowed', change: 'routing' });
    const told = await service.record(mirrorsMeasured);
    call = ({ isMirror, input }) =>
      isMirror === true || input !== 'x' ? { output: {} } : { error: { code: 'limited', detail: 'not now' } };
    await play('named', { a: { agent: 'shadowed', version: 1 }, b: { agent: 'shadowed', with: 'x', onError: 'continue' } });
    await play(
      'rated',
      { each: { forEach: '${{ input.items }}', agent: 'shadowed' } },
      {},
      { items: Array.from({ length: 20 }, (_, n) => n) },
    );
    const one = await told.next((payload) => payload.rollout === rollout && payload.skipped > 0);
    expect(one.skipped).toBeLessThan(20);
    rolled.shadowed.route = { version: 1 };
    await service.publish(routingChanged, { agent: 'shadowed', change: 'routing' });
  });
});

test('a run that a service made up calls agents at the versions that it names, and gives what they answered page by page', async () => {
  const asked: StartTaskRequest[] = [];
  const begun = new Date().toISOString();
  call = (task) => {
    // A call of the test before may still be mirrored.
    if (task.agent !== 'web') return { output: null };
    asked.push(task);
    const { name } = task.input as { name: string };
    return name === 'Bob' ? { error: { code: 'invalid', detail: 'no greeting' } } : { output: { text: `Hello, ${name}.` } };
  };
  const each = { maxParallel: 2, onError: 'continue' };
  const manifest = workflow(
    'greetings',
    {
      call: { ...each, forEach: '${{ input.order }}', agent: 'web', version: 3, with: '${{ input.cases[int(item)].input }}' },
      grade1: {
        ...each,
        ...{ forEach: { items: '${{ steps.call.output }}', stream: true }, agent: 'aged', version: 2 },
        with: {
          expected: '${{ input.cases[int(input.order[index])].expected }}',
          output: '${{ item }}',
          rubric: '${{ input.rubrics["1"] }}',
        },
      },
    },
    { outputs: null },
  );
  const cases = ['Ann', 'Bob'].map((name) => ({ input: { name }, expected: name }));
  const input = { cases, order: [0, 0, 1], rubrics: { 1: 'Be kind.' } };
  const wish = { workflow: 'eval/greetings', manifest, input, idempotencyKey: 'eval_1' };
  const { id } = await service.request(startDefinition, wish, { from: 'registry' });
  expect((await service.request(startDefinition, wish, { from: 'registry' })).id).toBe(id);
  // The current version is 1: who says nothing runs that.
  await using silent = new TestWorker(service, 'aged', () => ({ output: { score: 0 } }));
  const isStuck = /no free worker of aged runs version 2|no worker of aged/;
  await until(service, id, ({ steps }) => steps.some(({ waitingFor }) => isStuck.test(waitingFor[0]?.because ?? '')));
  await using judge = new TestWorker(service, 'aged', ({ input: seen }) => ({ output: { score: 1, reason: JSON.stringify(seen) } }), 8, 2);
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', workflow: 'eval/greetings' });
  expect([silent.done.length, judge.done.length]).toEqual([0, 3]);
  expect(asked.map(({ agent, agentVersion }) => `${agent}@${agentVersion}`)).toEqual(['web@3', 'web@3', 'web@3']);
  const outputsOf = (step: string, from = 0): Promise<ListOutputsReply> =>
    service.request(listOutputs, { run: id, step, from }, { from: 'registry' });
  expect(await outputsOf('call')).toMatchObject({
    status: 'succeeded',
    data: [
      { index: 0, status: 'succeeded', output: { text: 'Hello, Ann.' }, durationMs: expect.any(Number) },
      { index: 1, output: { text: 'Hello, Ann.' } },
      { index: 2, status: 'failed', output: null, error: { code: 'invalid', detail: 'no greeting' } },
    ],
    next: null,
  });
  const graded = await outputsOf('grade1', 1);
  expect(graded.data.map(({ index, output }) => [index, JSON.parse((output as { reason: string }).reason)])).toEqual([
    [1, { expected: 'Ann', output: { text: 'Hello, Ann.' }, rubric: 'Be kind.' }],
    [2, { expected: 'Bob', output: null, rubric: 'Be kind.' }],
  ]);
  await expect(outputsOf('nothing')).rejects.toMatchObject({ code: 'not_found' });
  await play(
    'asks',
    { ask: { forEach: '${{ input.names }}', agent: 'web', skill: 'greet', with: { name: '${{ item }}' }, onError: 'continue' } },
    {},
    {
      names: ['Bob', 'Ann', 'Cid', 'Dan', 'Eve'],
    },
  );
  const recorded = (skill?: string): Promise<ListCallsReply> =>
    service.request(listCalls, { agent: 'web', startedAfter: begun, ...(skill && { skill }) }, { from: 'registry' });
  const { data } = await recorded('greet');
  expect(data.map(({ step, input: put, output }) => [step, put, output])).toEqual(
    ['Ann', 'Cid', 'Dan'].map((name, place) => [`ask[${place + 1}]`, { name }, { text: `Hello, ${name}.` }]),
  );
  expect((await recorded('other')).data).toEqual([]);
  const bad = { ...wish, idempotencyKey: 'eval_2', manifest: workflow('bad', { call: { agent: 'web', version: 0 } }) };
  await expect(service.request(startDefinition, bad, { from: 'registry' })).rejects.toMatchObject({ code: 'invalid' });
});

test('a recorded run is done again with a version of an agent: that alone is called, all others answer by the record', async () => {
  const begun = new Date().toISOString();
  let asked: string[] = [];
  const usage = { inputTokens: 10, outputTokens: 2, costUsd: 0.5 };
  call = ({ agent, agentVersion, tool, state, input }) => {
    asked.push(agent === undefined ? (tool ?? state?.key ?? '') : `${agent}@${agentVersion} ${JSON.stringify(input)}`);
    if (agent === undefined) return { output: tool === 'files/read' ? 'read' : { version: 1 } };
    const { name } = input as { name: string };
    // The version under test says something else of Cid, and fails at Eve.
    if (agentVersion === 3 && name === 'Eve') return { error: { code: 'invalid', detail: 'no Eve' }, usage };
    return { output: agentVersion === 3 && name === 'Cid' ? 'no Cid' : `Dear ${name}`, usage };
  };
  await apply(service, 'noting', { note: { tool: 'files/note' } });
  await apply(
    service,
    'letters',
    {
      read: { tool: 'files/read', with: { run: '${{ run.id }}' } },
      greet: { forEach: '${{ input.names }}', agent: 'web', with: { name: '${{ item }}', after: '${{ steps.read.output }}' } },
      write: { tool: 'files/write', with: { text: '${{ steps.greet.output[0] }}' } },
      note: { workflow: 'noting', needs: ['write'], onError: 'continue' },
      keep: {
        state: { scope: 'workspace', key: 'letters', set: '${{ steps.greet.output }}' },
        needs: ['note'],
        compensate: { tool: 'files/undo' },
      },
    },
    { outputs: { said: '${{ steps.greet.output }}', kept: '${{ steps.keep.output.version }}' }, finally: { tidy: { tool: 'files/tidy' } } },
  );
  const runs: string[] = [];
  for (const names of [['Ann', 'Bob'], ['Cid'], ['Eve']]) {
    const { id } = await start(service, { workflow: 'letters', input: { names } });
    expect(await ended(service, id)).toMatchObject({ status: 'succeeded' });
    runs.push(id);
  }
  expect(asked.filter((one) => one === 'files/tidy')).toHaveLength(3);
  const recorded = await service.request(listRecordedRuns, { agent: 'web', startedAfter: begun }, { from: 'registry' });
  expect(recorded).toMatchObject({
    data: [
      { run: runs[2] },
      { run: runs[1] },
      { run: runs[0], workflow: 'letters', input: { names: ['Ann', 'Bob'] }, output: { kept: 1 } },
    ],
    nextCursor: null,
  });
  const ofSkill = await service.request(listRecordedRuns, { agent: 'spare', startedAfter: begun }, { from: 'registry' });
  expect(ofSkill.data).toEqual([]);

  asked = [];
  const again = async (onDivergence: string, key: string): Promise<ListOutputsReply> => {
    const each = { forEach: '${{ input.runs }}', maxParallel: 2, onError: 'continue', usesAtMost: { costUsd: 2 } };
    const asks = { run: '${{ item }}', agent: 'web', version: 3, onDivergence };
    const manifest = workflow(
      'replay',
      { call: { ...each, workflow: recordedRun, with: asks } },
      { outputs: null, budget: { costUsd: 10 } },
    );
    const wish = { workflow: 'eval/replay', manifest, input: { runs }, idempotencyKey: key };
    const { id } = await service.request(startDefinition, wish, { from: 'registry' });
    const run = await ended(service, id);
    expect(run).toMatchObject({ status: 'succeeded', budgets: [{ of: 'run', spent: 2, held: 0 }] });
    return service.request(listOutputs, { run: id, step: 'call' }, { from: 'registry' });
  };
  const { data } = await again('end', 'replay_1');
  expect(data).toMatchObject([
    { status: 'succeeded', output: { said: ['Dear Ann', 'Dear Bob'], kept: 1 }, usage: { inputTokens: 20, costUsd: 1 } },
    { status: 'failed', isDiverged: true, error: { code: 'conflict', detail: 'write asks what the recorded run did not ask there' } },
    { status: 'failed', error: { code: 'invalid', detail: 'greet[0]: no Eve' }, usage: { costUsd: 0.5 } },
  ]);
  expect(data.map(({ isDiverged = false }) => isDiverged)).toEqual([false, true, false]);
  const greeted = ['Ann', 'Bob', 'Cid', 'Eve'].map((name) => `web@3 ${JSON.stringify({ name, after: 'read' })}`);
  // No tool, no state, no run of another workflow, nothing undone, nothing tidied up.
  expect(asked.toSorted()).toEqual(greeted);
  const { data: reused } = await again('reuse', 'replay_2');
  expect(reused[1]).toMatchObject({ status: 'succeeded', output: { said: ['no Cid'], kept: 1 } });
  expect(asked.toSorted()).toEqual([...greeted, ...greeted].toSorted());

  const { data: made } = await service.request(listRuns, { workflow: 'counterfactual/letters' });
  expect(made).toHaveLength(6);
  expect(made.map(({ labels }) => labels['forked-from']).toSorted()).toEqual([...runs, ...runs].toSorted());
  await expect(service.request(forkRun, { run: made[0]!.id })).rejects.toMatchObject({ code: 'conflict' });
  // What only might have been is no recorded run, and no recorded call.
  expect(await service.request(listRecordedRuns, { agent: 'web', startedAfter: begun }, { from: 'registry' })).toEqual(recorded);
  const calls = await service.request(listCalls, { agent: 'web', startedAfter: begun }, { from: 'registry' });
  expect(new Set(calls.data.map(({ run }) => run))).toEqual(new Set(runs));
  runs.splice(0, 3, newId('run'));
  expect((await again('end', 'replay_3')).data).toMatchObject([{ status: 'failed', error: { code: 'not_found' } }]);
});

test('agents, tools and artifacts are called through protocol, as what they are', async () => {
  const seen: StartTaskRequest[] = [];
  call = (task) => {
    seen.push(task);
    return { output: task.step ?? null, usage: { inputTokens: 3, outputTokens: 1, costUsd: 0.1 } };
  };
  const run = await play(
    'called',
    {
      ask: { agent: 'web', skill: 'fetch', with: { q: '${{ input.q }}' } },
      read: { tool: 'files/read_text_file', with: { path: '/x' }, needs: ['ask'] },
      keep: { artifact: { name: 'report.md', mediaType: 'text/markdown', content: 'Read ${{ steps.read.output }}' } },
    },
    {},
    { q: 'why' },
  );
  expect(run).toMatchObject({ status: 'succeeded', output: { keep: 'keep' }, usage: { inputTokens: 9, outputTokens: 3 } });
  expect(seen).toMatchObject([
    { agent: 'web', skill: 'fetch', input: { q: 'why' }, step: 'ask' },
    { tool: 'files/read_text_file', input: { path: '/x' }, step: 'read' },
    { artifact: { name: 'report.md', mediaType: 'text/markdown', content: 'Read read' }, step: 'keep' },
  ]);
  expect(run.steps.every(({ onCriticalPath }) => onCriticalPath)).toBe(true);
  expect(run.steps[1]).toMatchObject({
    kind: 'tool',
    tool: 'files/read_text_file',
    agent: null,
    needs: ['ask'],
    attempts: [{ number: 1, status: 'succeeded', instance: 'protocol-test' }],
  });
});

test('a step is tried again as its policy says, with the same idempotency key', async () => {
  const keys: string[] = [];
  call = ({ idempotencyKey }) => {
    keys.push(idempotencyKey);
    return keys.length < 3 ? { error: { code: 'internal', detail: `failure ${keys.length}` } } : { output: 'third time' };
  };
  const run = await play('again', { a: { agent: 'web', retry: { attempts: 3, backoff: { initialMs: 10, factor: 1, maxMs: 10 } } } });
  expect(run).toMatchObject({ status: 'succeeded', output: { a: 'third time' } });
  expect(new Set(keys).size).toBe(1);
  expect(run.steps[0]?.attempts.map(({ number, status, error }) => [number, status, error?.detail])).toEqual([
    [1, 'failed', 'failure 1'],
    [2, 'failed', 'failure 2'],
    [3, 'succeeded', undefined],
  ]);
});

test('an error that is not to be tried again ends the run at once, and stops what is open', async () => {
  let isCancelled = false;
  call = async (task) => {
    if (task.step === 'bad') return { error: { code: 'invalid', detail: 'no such page', next: 'Ask for another.' } };
    await sleep(2_000);
    isCancelled = true;
    return { output: 1 };
  };
  const run = await play('nonretryable', { bad: { agent: 'web', retry: { attempts: 5 } }, other: { agent: 'web' } });
  expect(run).toMatchObject({
    status: 'failed',
    error: { code: 'invalid', detail: 'bad: no such page', next: 'Ask for another.' },
    progress: { failed: 1 },
  });
  expect(run.steps.map(({ status }) => status)).toEqual(['failed', 'cancelled']);
  expect(isCancelled).toBe(false);
});

test('the fallback takes over when the first agent is used up', async () => {
  call = ({ agent }) => (agent === 'web' ? { error: { code: 'unavailable', detail: 'down' } } : { output: 'from the spare' });
  const run = await play('fallback', { a: { agent: 'web', fallback: 'spare', retry: { attempts: 1 } } });
  expect(run).toMatchObject({ status: 'succeeded', output: { a: 'from the spare' } });
  expect(run.steps[0]).toMatchObject({
    agent: 'spare',
    attempts: [
      { agent: 'web', status: 'failed' },
      { agent: 'spare', status: 'succeeded' },
    ],
  });
});

test('an unknown agent, and an unknown workflow, end the step with a clear error', async () => {
  const run = await play('unknown-agent', { a: { agent: 'nobody' } });
  expect(run).toMatchObject({ status: 'failed', error: { code: 'not_found', detail: 'a: there is no agent nobody' } });
  const child = await play('unknown-workflow', { a: { workflow: 'nothing-here' } });
  expect(child).toMatchObject({ status: 'failed', error: { code: 'not_found', detail: 'a: there is no workflow nothing-here' } });
});

test('an expression that fails at its time ends the run and names its place', async () => {
  call = () => ({ output: {} });
  const run = await play('bad-expression', { a: { agent: 'web' }, b: { agent: 'web', with: { x: '${{ steps.a.output.missing }}' } } });
  expect(run).toMatchObject({
    status: 'failed',
    error: { code: 'invalid', detail: expect.stringMatching(/^b: \/spec\/steps\/b\/with\/x: No such key: missing/) as unknown as string },
  });
});

test('a workflow does the step of another, as a run of its own', async () => {
  call = ({ input }) => ({ output: (input as { n: number }).n * 2 });
  await apply(
    service,
    'double',
    { a: { agent: 'web', with: { n: '${{ input.n }}' } } },
    { outputs: '${{ steps.a.output }}', input: { type: 'object', required: ['n'] } },
  );
  const run = await play(
    'parent',
    { each: { forEach: [1, 2, 3], workflow: 'double', with: { n: '${{ item }}' } } },
    { outputs: '${{ steps.each.output }}' },
  );
  expect(run).toMatchObject({ status: 'succeeded', output: [2, 4, 6] });
  const child = run.steps[0]?.child as string;
  expect(await ended(service, child)).toMatchObject({ workflow: 'double', status: 'succeeded', parent: run.id });
  const wrong = await play('parent-wrong', { a: { workflow: 'double', with: {} } });
  expect(wrong).toMatchObject({
    status: 'failed',
    error: { code: 'invalid', detail: expect.stringMatching(/input/) as unknown as string },
  });
});

test('a workflow that starts itself ends as limited', async () => {
  const run = await play('endless', { a: { workflow: 'endless', with: {} } });
  expect(run.status).toBe('failed');
  expect(run.error?.detail).toMatch(/more than 16 deep/);
});

test('a step waits in the queue of its agent, which does so many at once', async () => {
  let active = 0;
  let most = 0;
  await using worker = new TestWorker(service, 'slow', async () => {
    most = Math.max(most, ++active);
    await sleep(60);
    active--;
    return { output: 1 };
  });
  await apply(service, 'capped', { all: { forEach: [1, 2, 3, 4, 5, 6, 7], agent: 'slow' } });
  const { id } = await start(service, { workflow: 'capped' });
  const waiting = await until(service, id, ({ steps }) =>
    steps.some(({ status, waitingFor }) => status === 'queued' && waitingFor.length > 0),
  );
  expect(waiting.steps.find(({ status }) => status === 'queued')?.waitingFor[0]).toMatchObject({ on: 'agent:slow' });
  expect((await ended(service, id)).status).toBe('succeeded');
  expect(most).toBe(2);
  expect(worker.done).toHaveLength(7);
});

test.each(['right after the commit', 'by its event'])(
  'a task of a worker that dies, told %s, goes to another, and the dead one’s result is refused',
  async (how) => {
    const frail = { principal: 'agent_frail', name: 'frail', roles: ['agent' as const] };
    await apply(service, 'dies', { a: { agent: 'frail', retry: { attempts: 2, backoff: { initialMs: 1 } } } });
    const { id } = await start(service, { workflow: 'dies' });
    const { tasks } = await service.request(leaseTasks, { agent: 'frail', instance: 'dead', credit: 1, waitMs: 5_000 }, { as: frail });
    const task = tasks[0]?.task as string;
    const options = { as: frail, shard: shardOfTask(task) };
    await service.request(acceptWork, { task, instance: 'dead' }, options);
    await expect(service.request(acceptWork, { task, instance: 'other' }, options)).rejects.toMatchObject({ code: 'conflict' });
    const gone = { id: newId('instance'), instance: 'dead', status: 'gone' as const, capacity: 1 };
    if (how === 'by its event') await service.publish(instanceChanged, { agent: 'frail', ...gone });
    else await service.publish(routingChanged, { agent: 'frail', change: 'instance', instance: gone });
    await until(service, id, ({ steps }) => steps[0]?.attempts.length === 2);
    await expect(service.request(completeWork, { task, instance: 'dead', output: 'late' }, options)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect((await service.request(beatWork, { instance: 'dead', tasks: [task] }, options)).cancelled).toEqual([task]);
    await using worker = new TestWorker(service, 'frail', () => ({ output: 'from the second' }));
    const run = await ended(service, id);
    expect(run).toMatchObject({ status: 'succeeded', output: { a: 'from the second' } });
    expect(run.steps[0]?.attempts[0]).toMatchObject({ status: 'failed', instance: 'dead', error: { code: 'unavailable' } });
    // It may hear that its result is kept after we do.
    await until(service, id, () => worker.done.length === 1);
    // An acknowledgement that was lost is given again, also after the end.
    const last = worker.done[0]?.task as string;
    await service.request(
      completeWork,
      { task: last, instance: worker.instance, output: 'from the second' },
      { as: frail, shard: shardOfTask(last) },
    );
  },
);

test('a worker that falls silent loses its task', async () => {
  const frail = { principal: 'agent_frail', name: 'frail', roles: ['agent' as const] };
  await apply(service, 'silent', { a: { agent: 'frail', retry: { attempts: 1 } } });
  const { id } = await start(service, { workflow: 'silent' });
  const { tasks } = await service.request(leaseTasks, { agent: 'frail', instance: 'quiet', credit: 1, waitMs: 5_000 }, { as: frail });
  const task = tasks[0]?.task as string;
  await service.request(acceptWork, { task, instance: 'quiet' }, { as: frail, shard: shardOfTask(task) });
  const run = await ended(service, id);
  expect(run).toMatchObject({
    status: 'failed',
    error: { code: 'unavailable', detail: expect.stringMatching(/nothing was heard of it for [67] s/) as unknown as string },
  });
}, 30_000);

test('what a gateway that died was given is offered to its worker again as soon as that has another connection', async () => {
  const frail = { principal: 'agent_frail', name: 'frail', roles: ['agent' as const] };
  await apply(service, 'again', { a: { agent: 'frail' } });
  const lease = (session: string, waitMs: number): Promise<LeaseTasksReply> =>
    service.request(leaseTasks, { agent: 'frail', instance: 'back', credit: 1, waitMs, session }, { as: frail });
  const [dead, live] = [randomUUID(), randomUUID()];
  const lost = lease(dead, 10_000);
  const { id } = await start(service, { workflow: 'again' });
  const [task] = (await lost).tasks;
  const alsoLost = lease(dead, 10_000);
  await sleep(100); // it is heard before the next
  const from = performance.now();
  expect((await lease(live, 5_000)).tasks).toEqual([{ ...task, deadline: expect.any(Number) as unknown as number }]);
  expect((await alsoLost).tasks).toEqual([]);
  expect(performance.now() - from).toBeLessThan(2_000);
  await expect(lease(dead, 0)).rejects.toMatchObject({ code: 'conflict' });
  const options = { as: frail, shard: shardOfTask(task!.task) };
  await service.request(acceptWork, { task: task!.task, instance: 'back' }, options);
  expect((await lease(randomUUID(), 0)).tasks).toEqual([]); // accepted, it stays where it is
  await service.request(completeWork, { task: task!.task, instance: 'back', output: 1 }, options);
  expect((await ended(service, id)).steps[0]?.attempts).toHaveLength(1);
});

test('a leased task that may be done twice begins without asking, which is written down when its worker is heard of again', async () => {
  const frail = { principal: 'agent_frail', name: 'frail', roles: ['agent' as const] };
  await apply(service, 'at-once', {
    a: { agent: 'frail' },
    b: { agent: 'frail', needs: ['a'] },
    c: { agent: 'frail', needs: ['b'], onCrash: 'fail' },
  });
  const session = randomUUID();
  const lease = async (waitMs: number): Promise<LeasedTask | undefined> =>
    (await service.request(leaseTasks, { agent: 'frail', instance: 'swift', credit: 1, waitMs, session }, { as: frail })).tasks[0];
  const complete = (task: string): Promise<unknown> =>
    service.request(completeWork, { task, instance: 'swift', output: 1 }, { as: frail, shard: shardOfTask(task) });
  const { id } = await start(service, { workflow: 'at-once' });
  const first = await lease(5_000);
  expect(first).toMatchObject({ step: 'a', isAccepted: true });
  // Nobody knows whether the answer has come: were its owner killed now, the next one would give it out at once.
  expect((await service.request(getRun, { run: id })).steps[0]?.status).toBe('queued');
  await sleep(30);
  expect(await lease(0)).toBeUndefined();
  const { steps } = await service.request(getRun, { run: id });
  expect(steps[0]).toMatchObject({ status: 'running', attempts: [{ instance: 'swift' }] });
  await complete(first!.task);
  const second = await lease(5_000);
  expect(second).toMatchObject({ step: 'b', isAccepted: true });
  await sleep(30);
  await complete(second!.task);
  const third = await lease(5_000);
  expect(third).toMatchObject({ step: 'c', isAccepted: false });
  await service.request(acceptWork, { task: third!.task, instance: 'swift' }, { as: frail, shard: shardOfTask(third!.task) });
  await complete(third!.task);
  const run = await ended(service, id);
  expect(run.status).toBe('succeeded');
  for (const { startedAt, endedAt } of run.steps.slice(0, 2))
    expect(Date.parse(endedAt as string) - Date.parse(startedAt as string)).toBeGreaterThanOrEqual(25);
});

test('the next task of a run comes with the acknowledgement of its last result, to who asks for tasks and where no other is before it', async () => {
  const frail = { principal: 'agent_frail', name: 'frail', roles: ['agent' as const] };
  await apply(service, 'chained', { a: { agent: 'frail' }, b: { agent: 'frail', needs: ['a'] }, c: { agent: 'frail', needs: ['b'] } });
  const session = randomUUID();
  const lease = async (waitMs = 5_000): Promise<LeasedTask | undefined> =>
    (await service.request(leaseTasks, { agent: 'frail', instance: 'rider', credit: 1, waitMs, session }, { as: frail })).tasks[0];
  const complete = async ({ task }: LeasedTask, ofSession?: string): Promise<LeasedTask[] | undefined> => {
    const request = { task, instance: 'rider', output: 1, ...(ofSession !== undefined && { session: ofSession }) };
    return (await service.request(completeWork, request, { as: frail, shard: shardOfTask(task) })).tasks;
  };
  const { id } = await start(service, { workflow: 'chained' });
  const a = (await lease()) as LeasedTask;
  const [b] = (await complete(a, session)) ?? [];
  expect(b).toMatchObject({ run: id, step: 'b', isAccepted: true, attempt: 1 });
  // A result that is sent again is acknowledged again, and brings nothing twice.
  expect(await complete(a, session)).toBeUndefined();
  await expect(complete({ ...b!, task: `${id}.1.x.7` }, session)).rejects.toMatchObject({ code: 'conflict' });
  expect(await complete(b!, randomUUID())).toBeUndefined();
  const c = (await lease()) as LeasedTask;
  expect(c).toMatchObject({ run: id, step: 'c' });
  expect(await complete(c, session)).toBeUndefined();
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', steps: [1, 1, 1].map(() => ({ attempts: [{}] })) });

  const [earlier, later] = [await start(service, { workflow: 'chained' }), await start(service, { workflow: 'chained' })];
  const first = (await lease()) as LeasedTask;
  expect(first.run).toBe(earlier.id);
  expect(await complete(first, session)).toBeUndefined();
  const order: LeasedTask[] = [];
  for (let task = await lease(); task !== undefined; task = (await complete(task, session))?.[0] ?? (await lease(0))) order.push(task);
  expect(order.map(({ run, step }) => `${run === later.id ? 'later' : 'earlier'} ${step}`)).toEqual([
    'later a',
    'earlier b',
    'later b',
    'earlier c',
    'later c',
  ]);
});

test('A55: a worker takes, beats and completes only its own', async () => {
  await apply(service, 'guarded', { a: { agent: 'lone' } });
  const { id } = await start(service, { workflow: 'guarded' });
  const lone = { principal: 'agent_lone', name: 'lone', roles: ['agent' as const] };
  const other = { principal: 'agent_other', name: 'other', roles: ['agent' as const] };
  const foreign = { ...lone, workspace: '01900000-0000-7000-8000-00000000000b' };
  await expect(service.request(leaseTasks, { agent: 'lone', instance: 'x', credit: 1, waitMs: 0 }, { as: other })).rejects.toMatchObject({
    code: 'not_found',
  });
  expect((await service.request(leaseTasks, { agent: 'lone', instance: 'x', credit: 1, waitMs: 0 }, { as: foreign })).tasks).toEqual([]);
  const { tasks } = await service.request(
    leaseTasks,
    { agent: 'lone', instance: 'mine', credit: 1, waitMs: 5_000, skills: ['only'] },
    { as: lone },
  );
  expect(tasks[0]).toMatchObject({ skill: 'only', step: 'a', run: id, attempt: 1 });
  const task = tasks[0]?.task as string;
  const shard = shardOfTask(task);
  for (const as of [other, foreign]) {
    await expect(service.request(acceptWork, { task, instance: 'mine' }, { as, shard })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(completeWork, { task, instance: 'mine', output: 1 }, { as, shard })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(service.request(beatWork, { tasks: [task], instance: 'mine' }, { as, shard })).rejects.toMatchObject({
      code: 'not_found',
    });
  }
  await expect(service.request(acceptWork, { task, instance: 'mine' }, { as: { roles: ['viewer'] }, shard })).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(service.request(completeWork, { task, instance: 'not-mine', output: 1 }, { as: lone, shard })).rejects.toMatchObject({
    code: 'conflict',
  });
  const twin = { ...lone, principal: 'agent_lone2' };
  await expect(service.request(acceptWork, { task, instance: 'mine' }, { as: twin, shard })).rejects.toMatchObject({ code: 'conflict' });
  await service.request(acceptWork, { task, instance: 'mine' }, { as: lone, shard });
  await service.request(acceptWork, { task, instance: 'mine' }, { as: lone, shard });
  await service.request(completeWork, { task, instance: 'mine', output: 1 }, { as: lone, shard });
  expect((await ended(service, id)).status).toBe('succeeded');
  await expect(
    service.request(completeWork, { task: task.replace(/\.1$/, '.7'), instance: 'mine', output: 1 }, { as: lone, shard }),
  ).rejects.toMatchObject({ code: 'conflict' });
  const nowhere = `${newId('run')}.0.x.1`;
  await expect(
    service.request(completeWork, { task: nowhere, instance: 'mine', output: 1 }, { as: lone, shard: shardOfTask(nowhere) }),
  ).rejects.toMatchObject({ code: 'not_found' });
});

test('a cancelled run stops its tasks, and tells their worker', async () => {
  const held = { principal: 'agent_held', name: 'held', roles: ['agent' as const] };
  await apply(service, 'cancelled', { a: { agent: 'held' }, w: { workflow: 'cancelled-child', with: {} } });
  await apply(service, 'cancelled-child', { a: { agent: 'held', skill: 'work' } });
  const { id } = await start(service, { workflow: 'cancelled' });
  const first = await service.request(leaseTasks, { agent: 'held', instance: 'h', credit: 1, waitMs: 5_000 }, { as: held });
  const task = first.tasks[0]?.task as string;
  await service.request(acceptWork, { task, instance: 'h' }, { as: held, shard: shardOfTask(task) });
  const running = await until(service, id, ({ steps }) => steps[1]?.status === 'waiting');
  expect(running.steps[1]?.waitingFor).toEqual([{ on: `run:${running.steps[1]?.child}`, because: 'the child run has not ended' }]);
  const polling = service.request(
    leaseTasks,
    { agent: 'held', instance: 'h', credit: 1, waitMs: 10_000, skills: ['nothing'] },
    { as: held },
  );
  await sleep(50);
  const run = await service.request(cancelRun, { run: id }, { as: { name: 'ann' } });
  expect(run).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann' });
  const told = (await polling).cancelled;
  expect(told).toContain(task);
  expect(await ended(service, running.steps[1]?.child as string)).toMatchObject({ status: 'cancelled' });
  expect(await service.request(cancelRun, { run: id })).toMatchObject({ status: 'cancelled' });
  await expect(
    service.request(completeWork, { task, instance: 'h', output: 1 }, { as: held, shard: shardOfTask(task) }),
  ).rejects.toMatchObject({ code: 'conflict' });
});

test('a step that may fail lets the run go on, and says why it failed', async () => {
  call = (request) =>
    Promise.resolve((request.input as { ok: boolean }).ok ? { output: 'fine' } : { error: { code: 'invalid', detail: 'no' } });
  await apply(service, 'tolerant', {
    all: { forEach: [true, false], agent: 'web', with: { ok: '${{ item }}' }, onError: 'continue' },
    cure: { if: '${{ size(steps.all.errors) > 0 }}', value: '${{ steps.all.errors }}' },
    unneeded: { if: '${{ steps.all.status == "failed" }}', value: 1 },
  });
  const { id } = await start(service, { workflow: 'tolerant' });
  const run = await ended(service, id);
  expect(run).toMatchObject({
    status: 'succeeded',
    error: null,
    output: { cure: [{ index: 1, code: 'invalid', detail: 'no' }], unneeded: null },
  });
  expect(run.steps.map(({ key, status }) => [key, status])).toEqual([
    ['all[0]', 'succeeded'],
    ['all[1]', 'failed'],
    ['cure', 'succeeded'],
    ['unneeded', 'skipped'],
  ]);
});

test('a fork keeps what was done, and does again what failed or what it is told to', async () => {
  let isBroken = true;
  const seen: unknown[] = [];
  call = (request) => {
    const { item } = request.input as { item: number };
    seen.push(item);
    return Promise.resolve(isBroken && item === 2 ? { error: { code: 'invalid', detail: 'no' } } : { output: item * 10 });
  };
  await apply(service, 'forked', {
    first: { agent: 'web', with: { item: 0 } },
    all: { needs: ['first'], forEach: [1, 2, 3], maxParallel: 1, agent: 'web', with: { item: '${{ item }}' } },
    sum: { value: '${{ steps.all.output }}' },
  });
  const { id } = await start(service, { workflow: 'forked', labels: { team: 'a' } });
  expect(await ended(service, id)).toMatchObject({ status: 'failed' });
  isBroken = false;
  seen.length = 0;
  const fork = { run: id, idempotencyKey: 'again' };
  const again = await service.request(forkRun, fork);
  expect(again).toMatchObject({ workflow: 'forked', labels: { team: 'a', 'forked-from': id }, input: {} });
  const second = await ended(service, again.id);
  expect(second).toMatchObject({ status: 'succeeded', output: { sum: [10, 20, 30] } });
  expect(seen).toEqual([2, 3]);
  expect((await service.request(forkRun, fork)).id).toBe(again.id);
  await expect(service.request(forkRun, { ...fork, from: ['first'] })).rejects.toMatchObject({ code: 'conflict' });
  seen.length = 0;
  const third = await service.request(forkRun, { run: again.id, from: ['all'] });
  expect(await ended(service, third.id)).toMatchObject({ status: 'succeeded', labels: { team: 'a', 'forked-from': again.id } });
  expect(seen).toEqual([1, 2, 3]);
  await expect(service.request(forkRun, { run: id, from: ['nothing'] })).rejects.toMatchObject({ code: 'invalid' });
  await expect(service.request(forkRun, { run: newId('run') })).rejects.toMatchObject({ code: 'not_found' });
  await apply(service, 'goes-on', { a: { wait: { signal: 'never' } } });
  const going = await start(service, { workflow: 'goes-on' });
  await expect(service.request(forkRun, { run: going.id })).rejects.toMatchObject({ code: 'conflict', detail: 'the run has not ended' });
  await service.request(cancelRun, { run: going.id });
});

test('a fork calls agents at the versions that it names, where it does something again', async () => {
  const asked: string[] = [];
  call = ({ agent, agentVersion }) => {
    asked.push(`${agent}@${agentVersion}`);
    return { output: agent };
  };
  await apply(
    service,
    'versioned',
    {
      first: { agent: 'web' },
      second: { needs: ['first'], agent: 'aged' },
      third: { needs: ['second'], agent: 'many', fallback: 'spare' },
    },
    { finally: { tidy: { agent: 'served' } } },
  );
  await using current = new TestWorker(service, 'aged', () => ({ output: 'current' }));
  const { id } = await start(service, { workflow: 'versioned' });
  const run = await ended(service, id);
  expect(run.status).toBe('succeeded');
  asked.length = 0;
  const fork = { run: id, from: ['second'], versions: { aged: 2, served: 5 }, idempotencyKey: 'versioned' };
  const again = await service.request(forkRun, fork);
  await until(service, again.id, ({ steps }) => steps.some(({ key, status }) => key === 'second' && status === 'queued'));
  await using next = new TestWorker(service, 'aged', () => ({ output: 'next' }), 8, 2);
  const forked = await ended(service, again.id);
  expect(forked.steps.map(({ key, output }) => [key, output])).toContainEqual(['second', 'next']);
  expect([current.done.length, next.done.length]).toEqual([1, 1]);
  expect(asked).toEqual(['many@undefined', 'served@5']);
  expect(forked.workflowHash).not.toBe(run.workflowHash);
  expect((await service.request(forkRun, fork)).id).toBe(again.id);
  await expect(service.request(forkRun, { ...fork, versions: { aged: 3 } })).rejects.toMatchObject({ code: 'conflict' });
  const refusals: [Record<string, number>, string][] = [
    [{ web: 2 }, 'no step that is done again names the agent web'],
    [{ aged: 0 }, 'a version is a number from 1 under the name of an agent'],
    [{ 'No name': 1 }, 'a version is a number from 1 under the name of an agent'],
    [{ many: 2 }, '/spec/steps/third/version: a version is one agent’s: leave fallback out'],
    [Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`a${n}`, 1])), 'of at most 50 agents the version can be changed'],
  ];
  for (const [versions, detail] of refusals)
    await expect(service.request(forkRun, { run: id, from: ['second'], versions })).rejects.toMatchObject({ code: 'invalid', detail });
});

test('a run waits for a time and for a signal, which comes once and says what its step gives', async () => {
  await apply(service, 'waits', {
    pause: { wait: 200 },
    approval: { wait: { signal: 'approved', timeout: '1m' } },
    after: { needs: ['pause', 'approval'], value: '${{ steps.approval.output.by }}' },
  });
  const { id } = await start(service, { workflow: 'waits' });
  const waiting = await until(service, id, ({ steps }) => steps[0]?.status === 'succeeded');
  expect(waiting.status).toBe('waiting');
  expect(waiting.steps[1]?.waitingFor).toEqual([
    { on: 'signal:approved', because: expect.stringMatching(/^it has not come, and is waited for until 2/) as unknown as string },
  ]);
  expect(Date.parse(waiting.steps[0]!.endedAt!) - Date.parse(waiting.steps[0]!.startedAt!)).toBeGreaterThanOrEqual(200);
  const signal = { run: id, name: 'approved', data: { by: 'ann' }, idempotencyKey: 'once' };
  await expect(service.request(signalRun, { ...signal, run: newId('run') })).rejects.toMatchObject({ code: 'not_found' });
  await service.request(signalRun, { run: id, name: 'unasked', data: 1 });
  await Promise.all([service.request(signalRun, signal), service.request(signalRun, signal)]);
  expect(await ended(service, id)).toMatchObject({ status: 'succeeded', output: { after: 'ann' } });
  await service.request(signalRun, signal); // its answer may have been lost
  await expect(service.request(signalRun, { ...signal, data: { by: 'bob' } })).rejects.toMatchObject({ code: 'conflict' });
  await expect(service.request(signalRun, { run: id, name: 'approved' })).rejects.toMatchObject({
    code: 'conflict',
    detail: 'the run has ended',
  });
  const { data } = await service.request(listRunEvents, { run: id });
  expect(data.filter(({ type }) => type === 'run.signalled').map(({ message }) => message)).toEqual(['unasked', 'approved']);
  expect(data.find(({ type, step }) => type === 'step.waiting' && step === 'approval')?.message).toMatch(
    /^for the signal approved, until 2/,
  );
});

test('a step that takes too long fails with timeout, and a run too', async () => {
  call = () => sleep(3_000).then(() => ({ output: 1 }));
  expect(await play('step-timeout', { a: { agent: 'web', timeout: '200ms' } })).toMatchObject({
    status: 'failed',
    reason: 'timeout',
    error: { code: 'timeout' },
  });
  expect(await play('run-timeout', { a: { agent: 'held' } }, { timeout: 300 })).toMatchObject({ status: 'failed', reason: 'timeout' });
});

test('a call to an agent is a run of one step, and its answer waits for the end', async () => {
  call = ({ input, skill }) => ({ output: { said: input, skill: skill ?? null } });
  expect(
    await service.request(invokeAgent, { agent: 'web', input: 'hello' }, { as: { roles: ['agent'], principal: 'agent_x', name: 'x' } }),
  ).toMatchObject({
    status: 'succeeded',
    workflow: 'agent/web',
    output: { said: 'hello', skill: null },
  });
  expect(await service.request(invokeAgent, { agent: 'many', skill: 'two', input: 1 })).toMatchObject({ output: { skill: 'two' } });
  await expect(service.request(invokeAgent, { agent: 'many', skill: 'three' })).rejects.toMatchObject({
    code: 'not_found',
    detail: expect.stringMatching(/one, two/) as unknown as string,
  });
  await expect(service.request(invokeAgent, { agent: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
  call = () => ({ error: { code: 'unavailable', detail: 'the page is down' } });
  expect(await service.request(invokeAgent, { agent: 'web', fallback: 'spare', timeoutMs: 5_000 })).toMatchObject({
    status: 'failed',
    error: { code: 'unavailable' },
  });
  call = () => sleep(500).then(() => ({ output: 1 }));
  expect((await service.request(invokeAgent, { agent: 'web', waitMs: 0 })).status).toBe('running');
  expect((await service.request(invokeAgent, { agent: 'web', waitMs: 50 })).status).toBe('running');
});

test('what an executor says it is at reaches who follows as it is said, and is no event of the record', async () => {
  const live = await service.record(runProgressed);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let task = '';
  call = async (request) => {
    task = request.task;
    await held;
    return { output: 'x'.repeat(10_000) };
  };
  await apply(service, 'progress', { a: { agent: 'web' } });
  const { id } = await start(service, { workflow: 'progress' });
  await until(service, id, ({ steps }) => steps[0]?.status === 'running');
  await service.request(beatTasks, { tasks: [task], message: 'half way', fraction: 0.5 }, { as: 'protocol', shard: shardOfTask(task) });
  release();
  const run = await ended(service, id);
  await live.next((event) => event.run === id && event.type === 'run.succeeded');
  const events = live.heard.flatMap(({ payload }) => eventsIn(payload)).filter((event) => event.run === id);
  expect(events.map(({ type }) => type)).toEqual([
    'run.started',
    'step.queued',
    'step.started',
    'step.progress',
    'step.succeeded',
    'run.succeeded',
  ]);
  expect(events[3]).toMatchObject({ message: 'half way', fraction: 0.5, step: 'a', agent: 'web', attempt: 1 });
  expect(events[4]?.output).toMatchObject({ truncated: true, bytes: 10_002 });
  // Each message says from where on it leaves nothing out, and each page how far it goes: so nobody reads for what only the engine needs.
  const messages = live.heard.map(({ payload }) => payload).filter((event) => event.run === id && event.type !== 'step.progress');
  expect(messages.map(({ since }) => since)).toEqual([-1, ...messages.slice(0, -1).map(({ seq }) => seq)]);
  const paged: string[] = [];
  for (let after = -1, hasMore = true; hasMore;) {
    const page = await service.request(listRunEvents, { run: id, after, limit: 1 });
    paged.push(...page.data.map(({ type }) => type));
    expect(page.through).toBeGreaterThan(page.hasMore ? after : after - 1);
    [after, hasMore] = [page.through ?? after, page.hasMore];
  }
  expect(paged).toEqual(events.map(({ type }) => type).filter((type) => type !== 'step.progress'));
  expect(run.steps[0]?.output).toBe('x'.repeat(10_000));
  expect(await service.request(getStep, { run: id, key: 'a' })).toMatchObject({ output: 'x'.repeat(10_000), status: 'succeeded' });
  for (const key of ['b', 'a[0]', 'a b'])
    await expect(service.request(getStep, { run: id, key })).rejects.toMatchObject({ code: 'not_found' });
});

test('what was said of each attempt is kept with its end, the last of it, and is shown while it is under way', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await using worker = new TestWorker(service, 'slow', async (task) => {
    if (task.attempt === 1) {
      for (let page = 1; page <= 55; page++) await worker.say(task, `page ${page}`);
      return { error: { code: 'unavailable', detail: 'no page 56' } };
    }
    await worker.say(task, task.attempt === 2 ? 'too slow' : 'once more');
    if (task.attempt === 2) await sleep(60_000, undefined, { ref: false });
    await held;
    return { output: 'read' };
  });
  const retry = { attempts: 3, backoff: { initialMs: 10 } };
  await apply(service, 'said', { a: { agent: 'slow', timeout: '1500ms', retry }, b: { value: 1, needs: ['a'] } });
  const { id } = await start(service, { workflow: 'said' });
  const shown = async (): Promise<GetStepReply['attempts']> => (await service.request(getStep, { run: id, key: 'a' })).attempts;
  const line = (message: string): object => ({ message, at: expect.stringMatching(/Z$/) as unknown });
  for (let seen = await shown(); seen[2]?.log === undefined; seen = await shown()) await sleep(20);
  expect((await shown())[2]).toMatchObject({ status: 'running', log: [line('once more')] });
  release();
  const run = await ended(service, id);
  expect(run.status).toBe('succeeded');
  const [first, second, third] = await shown();
  expect(first).toMatchObject({ status: 'failed', logDropped: 5, log: { length: 50, 0: line('page 6'), 49: line('page 55') } });
  expect(second).toMatchObject({ error: { code: 'timeout' }, log: [line('too slow')] });
  expect(third).toMatchObject({ status: 'succeeded', log: [line('once more')] });
  expect(second).not.toHaveProperty('logDropped');
  // Lists go without, events too; and no row was written for it.
  expect(run.steps[0]?.attempts[0]).not.toHaveProperty('log');
  expect((await service.request(listRunEvents, { run: id })).data.map(({ type }) => type)).not.toContain('step.progress');
  const rows = await service.database.sql<{ body: string }>(
    `SELECT convert_from(body, 'UTF8') AS body FROM journal WHERE run_id = $1 ORDER BY seq`,
    [toUuid(id, 'run')],
  );
  const kinds = rows.map(({ body }) => (JSON.parse(body) as { t: string }[]).map(({ t }) => t).join());
  expect(kinds.filter((each) => each.includes('logged'))).toEqual([
    'logged,retrying',
    'logged,retrying',
    'logged,succeeded,succeeded,ended',
  ]);
}, 30_000);

test('a task that nobody wants is refused to protocol too', async () => {
  const task = `${newId('run')}.0.x.1`;
  const options = { as: 'protocol' as const, shard: shardOfTask(task) };
  await expect(service.request(acceptTask, { task }, options)).rejects.toMatchObject({ code: 'conflict' });
  await expect(service.request(completeTask, { task, output: 1 }, options)).rejects.toMatchObject({ code: 'not_found' });
  expect(await service.request(beatTasks, { tasks: [task] }, options)).toEqual({ cancelled: [task] });
});
