import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { compareRuns } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { getRunOperation } from '@signalbox/shared/contracts/execution/get-run-operation.js';
import { getRunState } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { startRunOperation } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { upgradeRun } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { OwnerProcess } from './owner-process.ts';
import { answerAsProtocol, ended, insist, start, startExecution, until, workflow } from './peers.ts';

let service: ServiceUnderTest;
let owner: OwnerProcess;

const draft = { agent: 'web', with: 'draft' };
const go = { needs: ['draft'], wait: { signal: 'go' } };
const publish = { needs: ['go'], agent: 'web', with: '${{ steps.draft.output }}' };
const review = { needs: ['draft'], agent: 'web', with: 'review' };

beforeAll(async () => {
  service = await startExecution({ web: { kind: 'http' } });
  await service.stop();
  await answerAsProtocol(service, ({ input, step }) =>
    step === 'broken' ? { error: { code: 'invalid', detail: 'no' } } : { output: input as string },
  );
  owner = new OwnerProcess(service);
}, 120_000);

afterAll(async () => {
  owner?.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

/** Applies a version; returns its hash. */
async function apply(name: string, steps: Record<string, object>, rest: object = {}): Promise<string> {
  const { resource } = await insist(() => service.request(applyWorkflow, { name, manifest: workflow(name, steps, rest) }));
  return resource.hash;
}

/** A run that waits for its signal, its first step done. */
async function waiting(name: string, input: unknown = {}): Promise<string> {
  const { id } = await start(service, { workflow: name, input });
  await until(service, id, ({ status }) => status === 'waiting');
  return id;
}

test('a waiting run goes over to a new version, through the death of its owner, and what looks back follows it', async () => {
  const first = await apply('story', { draft, go, publish });
  const run = await waiting('story');
  const second = await apply('story', {
    review,
    publish: { ...publish, needs: ['go', 'review'], with: '${{ steps.review.output + steps.draft.output }}' },
    draft: { ...draft, with: 'another draft' },
    go,
  });
  const preview = await service.request(upgradeRun, { run, dryRun: true });
  expect(preview).toMatchObject({ outcome: 'possible', from: first, to: second, obstacles: [], asBegun: ['draft'] });
  expect(preview.changes.map(({ path }) => path)).toContain('spec.steps.draft.with');
  expect(preview.run.workflowHash).toBe(first);
  const upgraded = await service.request(upgradeRun, { run });
  expect(upgraded).toMatchObject({ outcome: 'upgraded', run: { workflowHash: second, startedHash: first } });
  expect(await service.request(upgradeRun, { run })).toMatchObject({ outcome: 'unchanged', from: second, to: second });
  await until(service, run, ({ steps }) => steps.some(({ key, status }) => key === 'review' && status === 'succeeded'));

  owner.kill();
  owner = new OwnerProcess(service);
  await insist(() => service.request(signalRun, { run, name: 'go' }));
  const done = await ended(service, run, 30_000);
  expect(done).toMatchObject({ status: 'succeeded', workflowHash: second, startedHash: first, output: { publish: 'reviewdraft' } });
  expect(done.steps.map(({ key, input }) => [key, input])).toContainEqual(['draft', 'draft']);

  const { data: events } = await service.request(listRunEvents, { run });
  expect(events).toContainEqual(expect.objectContaining({ type: 'run.upgraded' }));
  expect(events).toContainEqual(expect.objectContaining({ type: 'step.succeeded', step: 'review' }));
  const at = events.find(({ type }) => type === 'run.upgraded')?.seq as number;
  const before = await service.request(getRunState, { run, seq: at - 1 });
  expect(before.workflowHash).toBe(first);
  expect(before.steps.map(({ key }) => key)).toEqual(['draft', 'go', 'publish']);
  const after = await service.request(getRunState, { run, seq: at });
  expect(after.workflowHash).toBe(second);
  expect(after.steps.map(({ key }) => key).sort()).toEqual(['draft', 'go', 'publish', 'review']);
  const { data } = await service.request(listRuns, { workflow: 'story' });
  expect(data[0]).toMatchObject({ workflowHash: second, startedHash: first });

  const fork = await service.request(forkRun, { run, from: ['publish'] });
  const forked = await ended(service, fork.id);
  expect(forked).toMatchObject({ status: 'succeeded', workflowHash: second, output: { publish: 'reviewdraft' } });
  expect(forked.steps.filter(({ attempts }) => attempts.length > 0 && attempts[0]?.startedAt !== null).map(({ key }) => key)).toEqual([
    'publish',
  ]);
  expect(await service.request(compareRuns, { run, other: fork.id })).toMatchObject({ isSameDefinition: true });
}, 90_000);

test('what does not fit is named, place by place, and changes nothing', async () => {
  const first = await apply('refused', { draft, go, publish });
  const run = await waiting('refused');
  await apply('refused', { draft: { value: 'x' }, go: { ...go, needs: ['draft', 'review'] }, review });
  const obstacles = [
    { step: 'draft', because: 'it was done as agent, and is now value' },
    { step: 'go', because: 'it has begun, and now needs review, which has not ended' },
  ];
  expect(await service.request(upgradeRun, { run, dryRun: true })).toMatchObject({ outcome: 'impossible', obstacles });
  await expect(service.request(upgradeRun, { run })).rejects.toMatchObject({
    code: 'conflict',
    errors: obstacles.map(({ step, because }) => ({ pointer: `/spec/steps/${step}`, detail: because })),
  });
  await apply('refused', { draft, go, review }, { input: { type: 'object', required: ['topic'] } });
  expect((await service.request(upgradeRun, { run, dryRun: true })).obstacles).toEqual([
    { step: null, because: expect.stringContaining('the input that it was started with does not fit any more') },
  ]);
  expect(await service.request(upgradeRun, { run, hash: first })).toMatchObject({ outcome: 'unchanged' });
  await expect(service.request(upgradeRun, { run, hash: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ code: 'not_found' });
  await service.request(signalRun, { run, name: 'go' });
  expect((await ended(service, run)).workflowHash).toBe(first);
  expect((await service.request(upgradeRun, { run, dryRun: true })).obstacles).toContainEqual({
    step: null,
    because: 'the run has succeeded',
  });
}, 60_000);

test('many runs go over at once, and those that do not fit stay and are named', async () => {
  await apply('many', { draft: { ...draft, if: '${{ input.fits }}' }, go, publish });
  const fits = await waiting('many', { fits: true });
  const second = await apply('many', { draft, go, publish: { ...publish, with: 'new' } });
  const other = await apply('another', { draft, go });
  const { operation, count } = await service.request(startRunOperation, { action: 'upgrade', filter: { workflow: 'many' } });
  expect(count).toBe(1);
  const settled = async (id: string): Promise<unknown> => {
    for (;;) {
      const found = await insist(() => service.request(getRunOperation, { operation: id }));
      if (found.status !== 'running') return found;
    }
  };
  expect(await settled(operation?.id ?? '')).toMatchObject({ status: 'done', done: 1, failed: 0 });
  await service.request(signalRun, { run: fits, name: 'go' });
  expect(await ended(service, fits)).toMatchObject({ workflowHash: second, output: { publish: 'new' } });
  await expect(service.request(upgradeRun, { run: await waiting('many'), hash: other })).rejects.toMatchObject({
    code: 'conflict',
    detail: 'the run: it is of the workflow another, not many',
  });
  await apply('many', { go: { wait: { signal: 'go' } } });
  const preview = await service.request(startRunOperation, { action: 'upgrade', filter: { workflow: 'many' }, dryRun: true });
  expect(preview).toMatchObject({ operation: null, count: 1, unfit: [{ detail: 'draft: it was done, and is not there any more' }] });
  const failing = await service.request(startRunOperation, { action: 'upgrade', filter: { workflow: 'many' } });
  expect(await settled(failing.operation?.id ?? '')).toMatchObject({
    failed: 1,
    failures: [{ code: 'conflict', detail: 'draft: it was done, and is not there any more' }],
  });
}, 60_000);
