import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compareRuns } from '@signalbox/shared/contracts/execution/compare-runs.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { deleteRun } from '@signalbox/shared/contracts/execution/delete-run.js';
import { exportRun } from '@signalbox/shared/contracts/execution/export-run.js';
import { forkRun } from '@signalbox/shared/contracts/execution/fork-run.js';
import { getArtifact } from '@signalbox/shared/contracts/context/get-artifact.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { getRunState } from '@signalbox/shared/contracts/execution/get-run-state.js';
import { getStep } from '@signalbox/shared/contracts/execution/get-step.js';
import { importRun, type ImportRunReply } from '@signalbox/shared/contracts/execution/import-run.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRunProblems } from '@signalbox/shared/contracts/execution/list-run-problems.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listRecordedRuns, recordedRun } from '@signalbox/shared/contracts/execution/list-recorded-runs.js';
import { startDefinition } from '@signalbox/shared/contracts/execution/start-definition.js';
import { readChunk } from '@signalbox/shared/contracts/context/read-chunk.js';
import { chunkBytes } from '@signalbox/shared/bus/stream.js';
import { signalRun } from '@signalbox/shared/contracts/execution/signal-run.js';
import { upgradeRun } from '@signalbox/shared/contracts/execution/upgrade-run.js';
import { newId, newUuid } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { checkDefinition } from '@signalbox/workflow/language/check-definition.js';
import { hashAfter } from '@signalbox/workflow/run-file/format.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { apply, ended, start, startExecution, TestWorker, until, workflow } from './peers.ts';

let service: ServiceUnderTest;
let worker: TestWorker;
const files = new Map<string, Buffer>();
const elsewhere = { as: { workspace: newUuid(), name: 'else' } };

beforeAll(async () => {
  service = await startExecution({ works: { kind: 'worker' } });
  await service.answer(getArtifact, ({ artifact }) => {
    const size = files.get(artifact)?.length ?? 0;
    return {
      id: artifact,
      name: 'run.jsonl',
      mediaType: 'application/x-ndjson',
      size,
      sha256: '0'.repeat(64),
      run: null,
      step: null,
      createdAt: '2026-01-01T00:00:00Z',
      createdBy: 'ann',
    };
  });
  await service.answer(readChunk, ({ artifact, index }) => ({
    index,
    data: (files.get(artifact) as Buffer).subarray(index * chunkBytes, (index + 1) * chunkBytes).toString('base64'),
  }));
  await apply(service, 'mixed', {
    large: { value: '${{ input.x + input.x + input.x }}' },
    many: { forEach: '${{ [1, 2, 3] }}', agent: 'works', with: { n: '${{ item }}' }, onError: 'continue' },
    last: { value: '${{ size(steps.large.output) }}', needs: ['many'] },
  });
  worker = new TestWorker(service, 'works', async (task) => {
    const { input } = task;
    if ((input as { n: number }).n !== 2) return { output: input, usage: { inputTokens: 3, outputTokens: 4, costUsd: 0.5 } };
    await worker.say(task, 'looks at two');
    return { error: { code: 'invalid', detail: 'not two' } };
  });
}, 120_000);

afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
});

async function exported(run: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const part = await service.request(exportRun, { run, ...(cursor !== undefined && { cursor }) });
    parts.push(Buffer.from(part.data, 'base64'));
    cursor = part.nextCursor;
  }
  expect(parts.every(({ length }) => length <= chunkBytes)).toBe(true);
  return Buffer.concat(parts);
}

function imported(file: Buffer, options: object = elsewhere, idempotencyKey?: string): Promise<ImportRunReply> {
  const artifact = newId('artifact');
  files.set(artifact, file);
  return service.request(importRun, { artifact, ...(idempotencyKey !== undefined && { idempotencyKey }) }, options);
}

/** A file of these lines with an end that fits them. */
function sealed(lines: readonly string[]): Buffer {
  const hash = lines.reduce(hashAfter, '');
  return Buffer.from(`${[...lines, JSON.stringify({ end: { lines: lines.length, sha256: hash } })].join('\n')}\n`);
}

async function mixedRun(): Promise<string> {
  const { id } = await start(service, { workflow: 'mixed', labels: { team: 'red' }, input: { x: 'y'.repeat(200_000) } });
  await ended(service, id);
  return id;
}

test('a run goes to another workspace as a file, and is there as it was, in every view', async () => {
  const audit = await service.record(auditEvents.execution);
  const id = await mixedRun();
  const file = await exported(id);
  expect(file.length).toBeGreaterThan(600_000);
  const run = await imported(file);
  expect(run.id).not.toBe(id);
  expect(run.origin).toMatchObject({ run: id, importedBy: 'else' });
  const before = await service.request(getRun, { run: id });
  const after = await service.request(getRun, { run: run.id }, elsewhere);
  const plain = ({ id: _, origin: __, ...rest }: typeof before): object => rest;
  expect(plain(after)).toEqual(plain(before));
  await expect(service.request(getRun, { run: run.id })).rejects.toMatchObject({ code: 'not_found' });
  const events = async (which: string, options: object): Promise<object[]> =>
    (await service.request(listRunEvents, { run: which }, options)).data.map(({ run: _, ...rest }) => rest);
  expect(await events(run.id, elsewhere)).toEqual(await events(id, {}));
  // How much time a step has left is of now.
  const stateOf = async (which: string, options: object): Promise<object[]> =>
    (await service.request(getRunState, { run: which, seq: 4 }, options)).steps.map(({ slackMs: _, ...step }) => step);
  expect(await stateOf(run.id, elsewhere)).toEqual(await stateOf(id, {}));
  expect(await service.request(getStep, { run: run.id, key: 'many[1]' }, elsewhere)).toMatchObject({
    status: 'failed',
    error: { detail: 'not two' },
    attempts: [{ log: [{ message: 'looks at two' }] }],
  });
  // It is found as others are, and its failure is nobody's to look after.
  expect((await service.request(listRuns, { labels: { team: 'red' }, costMin: 0.9 }, elsewhere)).data).toEqual([
    expect.objectContaining({ id: run.id, origin: expect.objectContaining({ run: id }) as object }),
  ]);
  expect((await service.request(listRunProblems, {}, elsewhere)).data).toEqual([]);
  await expect(service.request(cancelRun, { run: run.id }, elsewhere)).rejects.toMatchObject({ code: 'conflict' });
  const { detail } = await audit.next(({ action }) => action === 'run.import');
  expect(detail).toMatchObject({ workflow: 'mixed', origin: id });
  // From there it goes on as from any other, and is compared with what comes of it.
  const fork = await service.request(forkRun, { run: run.id, from: ['last'] }, elsewhere);
  for (let status = fork.status; status !== 'succeeded';) status = (await service.request(getRun, { run: fork.id }, elsewhere)).status;
  expect(await service.request(compareRuns, { run: run.id, other: fork.id }, elsewhere)).toMatchObject({
    isSameDefinition: true,
    output: [],
  });
  // Again as a file it tells the same, but for its name; and it can be deleted.
  await expect(service.request(deleteRun, { run: run.id }, elsewhere)).resolves.toEqual({ runs: 1 });
}, 60_000);

test('a run that went over to other versions of its workflow takes all of them along', async () => {
  const steps = { first: { agent: 'works', with: { n: 1 } }, go: { needs: ['first'], wait: { signal: 'go' } } };
  await apply(service, 'changing', { ...steps, last: { needs: ['go'], value: 1 } });
  const { id } = await start(service, { workflow: 'changing' });
  await until(service, id, ({ status }) => status === 'waiting');
  const early = { early: { wait: { signal: 'early' } } };
  await apply(service, 'changing', { ...early, ...steps, other: { needs: ['go'], value: 2 } });
  await service.request(upgradeRun, { run: id });
  await service.request(signalRun, { run: id, name: 'early' });
  await until(service, id, ({ steps }) => steps.some(({ key, status }) => key === 'early' && status === 'succeeded'));
  await apply(service, 'changing', { ...early, ...steps, final: { needs: ['go', 'early'], value: 'long'.repeat(20_000) } });
  await service.request(upgradeRun, { run: id });
  await service.request(signalRun, { run: id, name: 'go' });
  await ended(service, id);

  const file = await exported(id);
  const run = await imported(file);
  const before = await service.request(getRun, { run: id });
  const after = await service.request(getRun, { run: run.id }, elsewhere);
  const plain = ({ id: _, origin: __, ...rest }: typeof before): object => rest;
  expect(plain(after)).toEqual(plain(before));
  expect(after.startedHash).toBeDefined();
  expect(after.steps.map(({ key }) => key).sort()).toEqual(['early', 'final', 'first', 'go']);
  const events = async (which: string, options: object): Promise<object[]> =>
    (await service.request(listRunEvents, { run: which }, options)).data.map(({ run: _, ...rest }) => rest);
  expect(await events(run.id, elsewhere)).toEqual(await events(id, {}));
  expect((await service.request(listRuns, { workflow: 'changing' }, elsewhere)).data).toEqual([
    expect.objectContaining({ workflowHash: before.workflowHash, startedHash: before.startedHash }),
  ]);
  const fork = await service.request(forkRun, { run: run.id, from: ['final'] }, elsewhere);
  expect(fork.workflowHash).toBe(before.workflowHash);

  const lines = file.toString().trimEnd().split('\n').slice(0, -1);
  const at = lines.findIndex((line) => line.startsWith('{"hash"'));
  const refused = (given: readonly string[], detail: string): Promise<void> =>
    expect(imported(sealed(given))).rejects.toMatchObject({
      code: 'invalid',
      detail: expect.stringContaining(detail) as unknown as string,
    });
  await refused(lines.toSpliced(at, 1), 'is not given');
  const upgrade = JSON.parse(lines[at] as string) as { hash: string; definition: object };
  const other = JSON.stringify({ ...upgrade, definition: { ...upgrade.definition, spec: { steps: { first: { value: 1 } } } } });
  await refused(lines.with(at, other), `line ${at + 1} of the file: its workflow is not the one that its hash says`);
  // A version in which what was done is another kind of step.
  const { definition } = JSON.parse(lines[0] as string) as { definition: object };
  const unfit = checkDefinition({ ...definition, spec: { steps: { first: { value: 1 } } } }).definition;
  const turned = lines.with(at, JSON.stringify({ hash: unfit.hash, definition: unfit.manifest }));
  await refused(
    turned.map((line) => line.replaceAll(upgrade.hash, unfit.hash)),
    'cannot have happened',
  );
}, 60_000);

test('a recorded run that was done again is a file as any, and neither it nor an imported one is a record to be done again', async () => {
  await apply(service, 'noted', { note: { value: 'n' }, many: { forEach: '${{ [1, 3] }}', agent: 'works', with: { n: '${{ item }}' } } });
  const { id } = await start(service, { workflow: 'noted' });
  await ended(service, id);
  const again = {
    call: { forEach: '${{ [1] }}', workflow: recordedRun, with: { run: id, agent: 'works', version: 1, onDivergence: 'end' } },
  };
  const wish = { workflow: 'eval/noted', manifest: workflow('again', again), idempotencyKey: 'noted' };
  const { id: evaluated } = await service.request(startDefinition, wish, { from: 'registry' });
  await ended(service, evaluated);
  expect(await imported(await exported(evaluated))).toMatchObject({ workflow: 'eval/noted', status: 'succeeded' });
  const { data: made } = await service.request(listRuns, { workflow: 'counterfactual/noted' });
  const there = await imported(await exported(made[0]!.id));
  expect(there).toMatchObject({ workflow: 'counterfactual/noted', status: 'succeeded', labels: { 'forked-from': id } });
  await imported(await exported(id), {});
  const asked = { agent: 'works', startedAfter: '2026-01-01T00:00:00Z' };
  const { data } = await service.request(listRecordedRuns, asked, { from: 'registry' });
  expect(data.filter(({ workflow: name }) => name === 'noted').map(({ run }) => run)).toEqual([id]);
});

test('one key is one run, and a file needs the right to bring a workflow', async () => {
  const file = await exported(await mixedRun());
  const [first, again] = [await imported(file, {}, 'k'), await imported(file, {}, 'k')];
  expect(again.id).toBe(first.id);
  await expect(imported(await exported(await mixedRun()), {}, 'k')).rejects.toMatchObject({ code: 'conflict' });
  await expect(imported(file, { as: { roles: ['operator'], scopes: ['runs:write', 'artifacts:read'] } })).rejects.toMatchObject({
    code: 'forbidden',
    detail: expect.stringContaining('workflows:write') as unknown as string,
  });
  await expect(service.request(exportRun, { run: newId('run') })).rejects.toMatchObject({ code: 'not_found' });
});

test('a run that lives is not exported', async () => {
  await apply(service, 'waits', { go: { wait: { signal: 'go' } } });
  const { id } = await start(service, { workflow: 'waits' });
  await expect(service.request(exportRun, { run: id })).rejects.toMatchObject({ code: 'conflict' });
});

describe('a file is refused', () => {
  let lines: string[];
  beforeAll(async () => {
    lines = (await exported(await mixedRun())).toString().trimEnd().split('\n').slice(0, -1);
  });

  const changed = (at: number, change: (value: Record<string, unknown>) => unknown): string[] =>
    lines.map((line, index) =>
      index === (at + lines.length) % lines.length ? JSON.stringify(change(JSON.parse(line) as Record<string, unknown>)) : line,
    );
  const whole = (given: readonly string[]): string => sealed(given).toString();
  const cases: [string, () => string, RegExp][] = [
    ['that is empty', () => '', /the file is empty/],
    ['that was cut between lines', () => `${lines.join('\n')}\n`, /ends before its end: it was cut/],
    ['that was cut within a line', () => whole(lines).slice(0, -40), /not JSON/],
    ['in which a word was changed', () => whole(lines).replace('not two', 'not ten'), /was changed or damaged/],
    ['in which a line is missing', () => whole(lines).replace(`${lines[4]}\n`, ''), /event 1 is expected here, not 2/],
    ['in which a line stands twice', () => whole([...lines.slice(0, 5), ...lines.slice(4)]), /event 2 is expected here, not 1/],
    ['that goes on after its end', () => `${whole(lines)}{}\n`, /something follows the end/],
    ['that is none of a run', () => whole(['{"a":1}', ...lines.slice(1)]), /line 1 of the file: this is no file of a run/],
    [
      'of a later version',
      () => whole(changed(0, (head) => ({ ...head, version: 3 }))),
      /has version 3, and versions up to 2 are what this release reads/,
    ],
    [
      'whose head lacks the run',
      () => whole(changed(0, ({ run: _, ...head }) => head)),
      /line 1 of the file: what it says of the run is not whole/,
    ],
    [
      'whose workflow is another',
      () =>
        whole(
          changed(0, (head) => ({ ...head, definition: { ...(head['definition'] as object), spec: { steps: { large: { value: 1 } } } } })),
        ),
      /line 1 of the file: its workflow is not the one that its hash says/,
    ],
    [
      'whose workflow cannot be',
      () => whole(changed(0, (head) => ({ ...head, definition: { spec: 1 } }))),
      /line 1 of the file: its workflow cannot be used/,
    ],
    [
      'that lacks a large value',
      () => whole(lines.filter((line) => !line.startsWith('{"blob"'))),
      /a large value that it needs is missing/,
    ],
    [
      'that is too deep',
      () => whole([...lines.slice(0, 5), `{"seq":3,"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`]),
      /line 6 of the file: .*nested more than/,
    ],
    ['that is no JSON', () => whole([...lines.slice(0, 5), 'hello']), /line 6 of the file: .*not JSON/],
    ['that is no UTF-8', () => whole([...lines.slice(0, 5), '"\ud800"']), /line 6 of the file: /],
    ['with a line too long', () => whole([...lines.slice(0, 5), 'x'.repeat(5_000_000)]), /line 6 of the file: it is longer than/],
    ['with an end that is none', () => whole(changed(-1, (end) => ({ ...end, status: 'asleep' }))), /status/],
    ['without an end of the run', () => whole(lines.slice(0, -1)), /no run from its start to its end/],
    [
      'with a step that is not there',
      () => whole([...lines.slice(0, -1), JSON.stringify({ ...JSON.parse(lines.at(-1) ?? ''), t: 'skipped', s: 99 })]),
      /./,
    ],
    [
      'with more items than there can be',
      () => whole(changed(4, (event) => ({ ...event, t: 'fanned', s: 1, count: 1e9 }))),
      /count must be <= 10000/,
    ],
  ];

  test.each(cases)('%s', async (_, make, told) => {
    const before = await service.database.sql(`SELECT count(*) FROM run`);
    const begun = performance.now();
    await expect(imported(Buffer.from(make()))).rejects.toMatchObject({
      code: 'invalid',
      detail: expect.stringMatching(told) as unknown as string,
    });
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await service.database.sql(`SELECT count(*) FROM run`)).toEqual(before);
  });

  test('that is too large, before it is read', async () => {
    const artifact = newId('artifact');
    files.set(artifact, Buffer.alloc(33 * 1024 * 1024));
    await expect(service.request(importRun, { artifact })).rejects.toMatchObject({ code: 'invalid', status: 413 });
  });
});
