import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compareRuns } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { getRunState } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { apply, ended, start, startExecution, TestWorker } from './peers.ts';

let service: ServiceUnderTest;
const foreign = { as: { workspace: '01900000-0000-7000-8000-00000000000b' } };

beforeAll(async () => {
  service = await startExecution({ doubles: { kind: 'worker' } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

test('two runs are compared step by step, and a run is shown as it stood after each of its events', async () => {
  await apply(service, 'doubles', {
    list: { value: '${{ input.list }}' },
    each: { agent: 'doubles', forEach: '${{ steps.list.output }}', with: { n: '${{ item }}' } },
    done: { value: '${{ size(steps.each.output) }}', needs: ['each'] },
  });
  let tries = 0;
  await using worker = new TestWorker(service, 'doubles', ({ input }) => {
    const { n } = input as { n: number };
    if (n === 7 && ++tries === 1) return { error: { code: 'unavailable', detail: 'once' } };
    return { output: { twice: 2 * n }, usage: { inputTokens: 1, outputTokens: 2, costUsd: 0.25 } };
  });
  const a = await start(service, { workflow: 'doubles', input: { list: [1, 2] } });
  const b = await start(service, { workflow: 'doubles', input: { list: [1, 7, 3] } });
  await ended(service, a.id);
  await ended(service, b.id);
  const compared = await service.request(compareRuns, { run: a.id, other: b.id });
  expect(compared).toMatchObject({ a: { id: a.id }, b: { id: b.id }, isSameDefinition: true, nextCursor: null });
  expect(compared.input).toEqual([
    { pointer: '/list/1', a: 2, b: 7 },
    { pointer: '/list/2', b: 3 },
  ]);
  const steps = Object.fromEntries(compared.steps.map((step) => [step.key, step]));
  expect(Object.keys(steps)).toEqual(['list', 'each[0]', 'each[1]', 'done', 'each[2]']);
  expect(steps['each[0]']).toMatchObject({
    isDifferent: false,
    a: { status: 'succeeded', attempts: 1, costUsd: 0.25, tokens: 3 },
    input: [],
    output: [],
  });
  expect(steps['each[1]']).toMatchObject({
    isDifferent: true,
    b: { attempts: 2 },
    input: [{ pointer: '/n', a: 2, b: 7 }],
    output: [{ pointer: '/twice', a: 4, b: 14 }],
  });
  expect(steps['each[1]']?.b?.durationMs).toBeGreaterThan(0);
  expect(steps['each[2]']).toMatchObject({ a: null, isDifferent: true });
  const first = await service.request(compareRuns, { run: a.id, other: b.id, limit: 3 });
  const second = await service.request(compareRuns, { run: a.id, other: b.id, limit: 3, cursor: first.nextCursor as string });
  expect([...first.steps, ...second.steps]).toEqual(compared.steps);
  await expect(service.request(compareRuns, { run: a.id, other: newId('run') })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(compareRuns, { run: a.id, other: b.id }, foreign)).rejects.toMatchObject({ code: 'not_found' });

  const { data: events } = await service.request(listRunEvents, { run: b.id });
  const at = async (type: string, step?: string) => {
    const seq = events.find((event) => event.type === type && (step === undefined || event.step === step))?.seq ?? -1;
    return service.request(getRunState, { run: b.id, seq });
  };
  expect(await at('run.started')).toMatchObject({ seq: 0, status: 'running', output: null, progress: { done: 0 } });
  const retrying = await at('step.retrying', 'each[1]');
  expect(retrying.steps.find(({ key }) => key === 'each[1]')).toMatchObject({
    status: 'waiting',
    output: null,
    attempts: [{ error: { detail: 'once' } }],
  });
  expect(retrying.endedAt).toBeNull();
  const end = await service.request(getRunState, { run: b.id, seq: 1_000_000 });
  expect(end.seq).toBe(end.lastSeq);
  const run = await service.request(getRun, { run: b.id });
  expect(end).toMatchObject({ status: 'succeeded', output: run.output, endedAt: run.endedAt, at: run.endedAt });
  expect(end.steps).toEqual(run.steps);
  await expect(service.request(getRunState, { run: b.id, seq: 0 }, foreign)).rejects.toMatchObject({ code: 'not_found' });
  expect(worker.done.length).toBeGreaterThanOrEqual(5);
});
