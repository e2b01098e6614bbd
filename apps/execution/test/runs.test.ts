import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { deleteWorkflow } from '@signalbox/shared/contracts/execution/delete-workflow.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { getStep } from '@signalbox/shared/contracts/execution/get-step.js';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { listSteps } from '@signalbox/shared/contracts/execution/list-steps.js';
import { listWorkflowVersions } from '@signalbox/shared/contracts/execution/list-workflow-versions.js';
import { listWorkflows } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { runChanged } from '@signalbox/shared/contracts/execution/run-changed.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { apply, ended, start, startExecution, until, workflow } from './peers.ts';

let service: ServiceUnderTest;
const foreign = { workspace: '01900000-0000-7000-8000-00000000000b' };

beforeAll(async () => {
  service = await startExecution({ idle: { kind: 'worker' } });
  await apply(service, 'values', { a: { value: '${{ input }}' } }, { outputs: '${{ steps.a.output }}' });
  await apply(service, 'waits', { a: { agent: 'idle' } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

test('the same key gives the same run, another request with it a conflict, and another principal its own', async () => {
  const request = { workflow: 'values', input: { n: 1 }, idempotencyKey: 'key-1' };
  const [first, second] = await Promise.all([start(service, request), start(service, request)]);
  expect(second?.id).toBe(first?.id);
  expect((await start(service, request)).id).toBe(first?.id);
  await expect(service.request(startRun, { ...request, input: { n: 2 } })).rejects.toMatchObject({ code: 'conflict' });
  const other = await service.request(startRun, request, { as: { principal: 'user_other' } });
  expect(other.id).not.toBe(first?.id);
  const elsewhere = await service.request(startRun, request, { as: foreign }).catch((error: unknown) => error);
  expect(elsewhere).toMatchObject({ code: 'not_found' });
  const rows = await service.database.sql(`SELECT * FROM run WHERE workflow = 'values' AND run_id IN (SELECT run_id FROM start_key)`);
  expect(rows).toHaveLength(2);
});

test('a start that waits answers with the ended run, after its time with the run as it stands, and for a known key with what it became', async () => {
  const request = { workflow: 'values', input: 'now', idempotencyKey: 'waits-1', waitMs: 20_000 };
  const run = await service.request(startRun, request);
  expect(run).toMatchObject({ status: 'succeeded', output: 'now' });
  expect(await service.request(startRun, request)).toMatchObject({ id: run.id, status: 'succeeded', output: 'now' });
  const since = performance.now();
  const standing = await service.request(startRun, { workflow: 'waits', waitMs: 300 });
  expect(standing.status).toBe('running');
  expect(performance.now() - since).toBeGreaterThanOrEqual(299);
  const waiting = service.request(startRun, { workflow: 'waits', idempotencyKey: 'waits-2', waitMs: 20_000 });
  const { id } = await start(service, { workflow: 'waits', idempotencyKey: 'waits-2' });
  await service.request(cancelRun, { run: id });
  expect(await waiting).toMatchObject({ id, status: 'cancelled' });
  await expect(service.request(startRun, { workflow: 'values', waitMs: 300_001 })).rejects.toMatchObject({ code: 'invalid' });
  await service.request(cancelRun, { run: standing.id });
});

test('a run of values alone starts and ends in one commit', async () => {
  const { id } = await start(service, { workflow: 'values', input: 'x' });
  const run = await service.request(getRun, { run: id });
  expect(run).toMatchObject({ status: 'succeeded', input: 'x', output: 'x', startedBy: 'test', progress: { total: 1, done: 1 } });
  const rows = await service.database.sql<{ seq: number; count: number }>(
    `SELECT seq, count FROM journal WHERE run_id = (SELECT run_id FROM run ORDER BY run_id DESC LIMIT 1)`,
  );
  expect(rows).toEqual([{ seq: 0, count: 3 }]);
});

test('large inputs and outputs are kept beside the journal, once, and given whole', async () => {
  const text = 'x'.repeat(100_000);
  const { id } = await start(service, { workflow: 'values', input: { text } });
  await ended(service, id);
  const blobs = await service.database.sql(`SELECT sha256 FROM blob`);
  expect(blobs).toHaveLength(1);
  expect(await service.request(getRun, { run: id })).toMatchObject({ output: { text } });
  expect((await service.request(getStep, { run: id, key: 'a' })).output).toEqual({ text });
  const events = await service.request(listRunEvents, { run: id });
  expect(events.data.at(-1)?.output).toMatchObject({ truncated: true });
  await service.stop();
  await service.start();
  await until(service, id, ({ output }) => (output as { text?: string }).text === text);
});

test('runs are listed newest first, by status, workflow, labels and words, page by page', async () => {
  const ids: string[] = [];
  for (let number = 0; number < 5; number++)
    ids.unshift((await start(service, { workflow: 'values', labels: { batch: 'b', number: String(number) } })).id);
  const first = await service.request(listRuns, { labels: { batch: 'b' }, limit: 2 });
  const second = await service.request(listRuns, { labels: { batch: 'b' }, limit: 2, cursor: first.nextCursor as string });
  const third = await service.request(listRuns, { labels: { batch: 'b' }, limit: 2, cursor: second.nextCursor as string });
  expect([...first.data, ...second.data, ...third.data].map(({ id }) => id)).toEqual(ids);
  expect(third.nextCursor).toBeNull();
  expect((await service.request(listRuns, { labels: { batch: 'b', number: '3' } })).data.map(({ id }) => id)).toEqual([ids[1]]);
  expect((await service.request(listRuns, { q: 'values "number": "3"' })).data.map(({ id }) => id)).toContain(ids[1]);
  expect((await service.request(listRuns, { workflow: 'values', status: ['failed'] })).data).toEqual([]);
  const live = await start(service, { workflow: 'waits' });
  expect((await service.request(listRuns, { status: ['running'] })).data.map(({ id }) => id)).toEqual([live.id]);
  expect((await service.request(listRuns, { status: ['waiting', 'queued'] })).data).toEqual([]);
  expect((await service.request(listRuns, {}, { as: foreign })).data).toEqual([]);
  await expect(service.request(listRuns, { cursor: 'nonsense' })).rejects.toMatchObject({ code: 'invalid' });
  await expect(service.request(listRuns, { cursor: Buffer.from('["x"]').toString('base64url') })).resolves.toMatchObject({ data: [] });
});

test('a cancel that finds nothing to cancel is not in the audit', async () => {
  const audit = await service.record(auditEvents.execution);
  const { id: done } = await start(service, { workflow: 'values' });
  await ended(service, done);
  await expect(service.request(cancelRun, { run: done })).rejects.toMatchObject({
    code: 'conflict',
    detail: 'the run has succeeded already',
  });
  await expect(service.request(cancelRun, { run: newId('run') })).rejects.toMatchObject({ code: 'not_found' });
  const targets: string[] = [];
  for (let number = 0; number < 2; number++) {
    const { id } = await start(service, { workflow: 'waits' });
    targets.push(`run ${id}`);
    for (let again = 0; again < 2; again++) expect(await service.request(cancelRun, { run: id })).toMatchObject({ status: 'cancelled' });
  }
  await audit.next(({ target }) => target === targets[1]);
  expect(audit.heard.filter(({ payload }) => payload.action === 'run.cancel').map(({ payload }) => payload.target)).toEqual(targets);
});

test('A01: another workspace’s runs and workflows are as if they were not', async () => {
  const { id } = await start(service, { workflow: 'waits' });
  for (const ask of [
    () => service.request(getRun, { run: id }, { as: foreign }),
    () => service.request(cancelRun, { run: id }, { as: foreign }),
    () => service.request(listRunEvents, { run: id }, { as: foreign }),
    () => service.request(listSteps, { run: id }, { as: foreign }),
    () => service.request(getStep, { run: id, key: 'a' }, { as: foreign }),
    () => service.request(startRun, { workflow: 'values' }, { as: foreign }),
    () => service.request(getWorkflow, { name: 'values' }, { as: foreign }),
    () => service.request(deleteWorkflow, { name: 'values' }, { as: foreign }),
    () => service.request(getRun, { run: newId('run') }),
    () => service.request(cancelRun, { run: newId('run') }),
    () => service.request(listRunEvents, { run: newId('run') }),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: 'not_found' });
  }
  expect((await service.request(getRun, { run: id })).status).toBe('running');
  await service.request(cancelRun, { run: id });
});

test('A03: who may only look may neither start, cancel nor apply', async () => {
  const viewer = { as: { roles: ['viewer' as const] } };
  await expect(service.request(startRun, { workflow: 'values' }, viewer)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(service.request(applyWorkflow, { name: 'x', manifest: workflow('x', { a: { value: 1 } }) }, viewer)).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(service.request(deleteWorkflow, { name: 'values' }, viewer)).rejects.toMatchObject({ code: 'forbidden' });
  expect((await service.request(listWorkflows, {}, viewer)).data.length).toBeGreaterThan(1);
});

test('a start is refused for what cannot be an input or a label', async () => {
  await apply(
    service,
    'typed',
    { a: { value: 1 } },
    { input: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } },
  );
  await expect(service.request(startRun, { workflow: 'typed', input: { n: 'x' } })).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/input/n', detail: 'must be integer' }],
  });
  await expect(service.request(startRun, { workflow: 'nothing' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(startRun, { workflow: 'values', input: 'x'.repeat(300_000) })).rejects.toMatchObject({
    code: 'invalid',
    status: 413,
  });
  await expect(service.request(startRun, { workflow: 'values', labels: { a: 5 } as never })).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/labels/a' }],
  });
  await expect(service.request(startRun, { workflow: 'values', labels: { a: 'x\0' } })).rejects.toMatchObject({ code: 'invalid' });
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`l${number}`, 'x']));
  await expect(service.request(startRun, { workflow: 'values', labels: many })).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/labels' }],
  });
  await expect(service.request(startRun, { workflow: 'values', steps: {} } as never)).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/steps', detail: 'is not a known field' }],
  });
});

test('steps of a wide run come page by page', async () => {
  await apply(service, 'wide', { map: { forEach: '${{ input.list }}', value: '${{ item }}' }, none: { forEach: [], value: 1 } });
  const { id } = await start(service, { workflow: 'wide', input: { list: Array.from({ length: 620 }, (_, number) => number) } });
  const run = await ended(service, id);
  expect(run.steps).toHaveLength(500);
  const rest = await service.request(listSteps, { run: id, cursor: run.nextSteps as string, limit: 200 });
  expect(rest.data.map(({ key }) => key).slice(0, 2)).toEqual(['map[500]', 'map[501]']);
  expect(rest.data).toHaveLength(121);
  expect(rest.data.at(-1)).toMatchObject({ key: 'none', status: 'succeeded', output: [] });
  expect(rest.nextCursor).toBeNull();
  expect((await service.request(listSteps, { run: id, q: 'map[7] succ' })).data.map(({ key }) => key)).toEqual(['map[7]']);
  const events = await service.request(listRunEvents, { run: id, limit: 1_000 });
  expect(events.data.length).toBeGreaterThan(600);
});

test('start and end of a run are told once each, through the stream', async () => {
  const changes = await service.record(runChanged);
  const { id } = await start(service, { workflow: 'values' });
  await until(service, id, () => changes.heard.filter(({ payload }) => payload.id === id).length === 2);
  expect(changes.heard.filter(({ payload }) => payload.id === id).map(({ version, payload }) => [version, payload.status])).toEqual([
    [1, 'running'],
    [2, 'succeeded'],
  ]);
  await until(service, id, () => true);
  const open = await service.database.sql(`SELECT 1 FROM outbox WHERE published_at IS NULL AND entity = $1`, [id]);
  expect(open.length).toBeLessThanOrEqual(2);
});

test('a workflow is created, changed and left alone, with what changed and who did it', async () => {
  const audited = await service.record(auditEvents.execution);
  const first = workflow('kept', { a: { value: 1 } });
  const asked = await service.request(applyWorkflow, { name: 'kept', manifest: first, dryRun: true });
  expect(asked).toMatchObject({ action: 'created', resource: { version: 1, steps: 1 } });
  await expect(service.request(getWorkflow, { name: 'kept' })).rejects.toMatchObject({ code: 'not_found' });
  expect(await service.request(applyWorkflow, { name: 'kept', manifest: first, expectedVersion: 0 })).toMatchObject({
    action: 'created',
    resource: { version: 1 },
  });
  expect(await service.request(applyWorkflow, { name: 'kept', manifest: first })).toMatchObject({
    action: 'unchanged',
    changes: [],
    resource: { version: 1 },
  });
  const second = { ...workflow('kept', { a: { value: 2 } }), metadata: { name: 'kept', description: 'second', labels: { team: 'x' } } };
  expect((await service.request(applyWorkflow, { name: 'kept', manifest: second, dryRun: true })).changes).toEqual([
    { path: 'metadata.description', to: 'second' },
    { path: 'metadata.labels', to: { team: 'x' } },
    { path: 'spec.steps.a.value', from: 1, to: 2 },
  ]);
  await expect(service.request(applyWorkflow, { name: 'kept', manifest: second, expectedVersion: 7 })).rejects.toMatchObject({
    code: 'conflict',
    status: 412,
  });
  const { id } = await start(service, { workflow: 'kept' });
  expect(await service.request(applyWorkflow, { name: 'kept', manifest: second, expectedVersion: 1 })).toMatchObject({
    action: 'updated',
    resource: { version: 2, description: 'second' },
  });
  expect((await service.request(getRun, { run: id })).output).toEqual({ a: 1 });
  expect((await ended(service, (await start(service, { workflow: 'kept' })).id)).output).toEqual({ a: 2 });
  expect(await service.request(getWorkflow, { name: 'kept' })).toMatchObject({ manifest: second, labels: { team: 'x' } });
  expect((await service.request(listWorkflows, { q: 'SECOND' })).data.map(({ name }) => name)).toEqual(['kept']);
  const versions = await service.request(listWorkflowVersions, { name: 'kept', limit: 1 });
  expect(versions.data).toMatchObject([{ version: 2, current: true, steps: 1, createdBy: 'test' }]);
  const [earlier] = (await service.request(listWorkflowVersions, { name: 'kept', cursor: versions.nextCursor as string })).data;
  expect(earlier).toMatchObject({ version: 1, current: false });
  await expect(service.request(listWorkflowVersions, { name: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(listWorkflowVersions, { name: 'kept' }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(applyWorkflow, { name: 'kept', version: 9 })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(applyWorkflow, { name: 'kept', version: 1 }, { as: foreign })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(applyWorkflow, { name: 'kept', version: 1, manifest: first })).rejects.toMatchObject({ code: 'invalid' });
  for (const position of ['99999999999', 'abc', '1.5']) {
    const cursor = Buffer.from(JSON.stringify([position])).toString('base64url');
    await expect(service.request(listWorkflowVersions, { name: 'kept', cursor })).rejects.toMatchObject({ code: 'invalid' });
  }
  await expect(service.request(applyWorkflow, { name: 'kept', version: 2 ** 31 })).rejects.toMatchObject({ code: 'invalid' });
  const back = await service.request(applyWorkflow, { name: 'kept', hash: earlier!.hash });
  expect(back).toMatchObject({ action: 'updated', resource: { version: 3, hash: earlier!.hash, description: null, labels: {} } });
  expect(await service.request(applyWorkflow, { name: 'kept', version: 2 })).toMatchObject({
    action: 'updated',
    resource: { version: 4, description: 'second', labels: { team: 'x' } },
  });
  expect((await service.request(listWorkflowVersions, { name: 'kept' })).data.map(({ revertedTo }) => revertedTo)).toEqual([
    2,
    1,
    undefined,
    undefined,
  ]);
  const page = await service.request(listWorkflows, { limit: 1 });
  expect((await service.request(listWorkflows, { limit: 50, cursor: page.nextCursor as string })).data[0]?.name).not.toBe(
    page.data[0]?.name,
  );
  await service.request(deleteWorkflow, { name: 'kept' });
  await expect(service.request(startRun, { workflow: 'kept' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(service.request(deleteWorkflow, { name: 'kept' })).rejects.toMatchObject({ code: 'not_found' });
  expect((await service.request(getRun, { run: id })).status).toBe('succeeded');
  await expect(service.request(applyWorkflow, { name: 'kept', version: 1 })).rejects.toMatchObject({ code: 'not_found' });
  await until(service, id, () => audited.heard.length >= 5);
  expect(audited.heard.map(({ payload }) => `${payload.action} ${payload.target} by ${payload.name}`)).toEqual([
    ...Array.from({ length: 4 }, () => 'workflow.apply workflow kept by test'),
    'workflow.delete workflow kept by test',
  ]);
});

test('a workflow that is wrong is refused, with line and column where it came as text, and nothing is stored', async () => {
  const source =
    'apiVersion: signalbox.dev/v1\nkind: Workflow\nmetadata: { name: wrong }\nspec:\n  steps:\n    a: { agent: x, needs: [b] }\n    b: { agent: x, needs: [a] }\n';
  await expect(service.request(applyWorkflow, { name: 'wrong', source })).rejects.toMatchObject({
    code: 'invalid',
    detail: expect.stringMatching(/^line \d, column \d+: the steps wait for each other: a needs b needs a/) as unknown as string,
  });
  await expect(service.request(applyWorkflow, { name: 'wrong', source: 'a: [1' })).rejects.toMatchObject({
    code: 'invalid',
    detail: expect.stringMatching(/^line 1, column/) as unknown as string,
    errors: [{ line: 1 }],
  });
  await expect(
    service.request(applyWorkflow, { name: 'wrong', source: source.replace('needs: [b]', 'neds: [b]').replace('agent: x', 'agent: X') }),
  ).rejects.toMatchObject({
    errors: [
      { pointer: '/spec/steps/a/neds', line: 6, column: 20, detail: 'is not a known field; is needs meant?' },
      { pointer: '/spec/steps/a/agent', line: 6, column: 10 },
    ],
  });
  await expect(service.request(applyWorkflow, { name: 'wrong', manifest: workflow('other', { a: { value: 1 } }) })).rejects.toMatchObject({
    code: 'invalid',
    errors: [{ pointer: '/metadata/name' }],
  });
  await expect(
    service.request(applyWorkflow, { name: 'wrong', manifest: workflow('wrong', { a: { agent: 'x', with: '${{ process.env }}' } }) }),
  ).rejects.toMatchObject({ code: 'invalid', errors: [{ pointer: '/spec/steps/a/with' }] });
  await expect(service.request(applyWorkflow, { name: 'wrong' })).rejects.toMatchObject({ code: 'invalid' });
  await expect(service.request(applyWorkflow, { name: 'wrong', source, manifest: {} })).rejects.toMatchObject({ code: 'invalid' });
  await expect(service.request(getWorkflow, { name: 'wrong' })).rejects.toMatchObject({ code: 'not_found' });
  const good = await service.request(applyWorkflow, { name: 'wrong', source: source.replace(', needs: [b]', '') });
  expect(good).toMatchObject({ action: 'created', resource: { steps: 2 } });
});

test('A08: no role may change what was written, nor reach a partition past row security', async () => {
  const { Client } = await import('pg').then((module) => module.default);
  for (const role of ['request', 'system'] as const) {
    const client = new Client(service.database.url(role));
    await client.connect();
    try {
      for (const statement of [
        'UPDATE journal SET body = body',
        'DELETE FROM journal',
        'DELETE FROM blob',
        `UPDATE definition SET manifest = ''`,
        'DROP TABLE journal',
      ]) {
        await expect(client.query(statement)).rejects.toMatchObject({ code: expect.stringMatching(/^42501$/) as unknown as string });
      }
      const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
      await expect(client.query(`SELECT 1 FROM journal_${day}`)).rejects.toMatchObject({ code: '42501' });
      // A09: without a workspace a request sees nothing.
      if (role === 'request') expect((await client.query('SELECT 1 FROM run')).rows).toEqual([]);
    } finally {
      await client.end();
    }
  }
});

test('a record with a gap is not given out as if it were whole', async () => {
  const { id } = await start(service, { workflow: 'waits' });
  await service.request(cancelRun, { run: id });
  const newest = `run_id = (SELECT run_id FROM run ORDER BY run_id DESC LIMIT 1)`;
  const rows = await service.database.sql<{ seq: number }>(`SELECT seq FROM journal WHERE ${newest} ORDER BY seq`);
  expect(rows.length).toBeGreaterThan(1);
  await service.database.sql(`DELETE FROM journal WHERE ${newest} AND seq = 0`);
  await expect(service.request(listRunEvents, { run: id })).rejects.toMatchObject({
    code: 'internal',
    detail: `what is recorded of ${id} lacks event 0`,
  });
});
