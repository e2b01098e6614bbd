import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelRun } from '@signalbox/shared/contracts/execution/cancel-run.js';
import { deleteRun } from '@signalbox/shared/contracts/execution/delete-run.js';
import { getRun } from '@signalbox/shared/contracts/execution/get-run.js';
import { getRunOperation } from '@signalbox/shared/contracts/execution/get-run-operation.js';
import { listRunEvents } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { listRuns } from '@signalbox/shared/contracts/execution/list-runs.js';
import { startRunOperation } from '@signalbox/shared/contracts/execution/start-run-operation.js';
import { runsDeleted } from '@signalbox/shared/contracts/execution/runs-deleted.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { newId, toUuid } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, ended, insist, start, startExecution, until } from './peers.ts';

let service: ServiceUnderTest;

beforeAll(async () => {
  service = await startExecution({});
  await apply(service, 'large', { v: { value: 'x'.repeat(20_000) } });
  await apply(service, 'waits', { go: { wait: { signal: 'go' } } });
  await apply(service, 'above', { below: { workflow: 'large' } });
  await apply(service, 'above-waits', { below: { workflow: 'large' }, go: { wait: { signal: 'go' }, needs: ['below'] } });
}, 120_000);

afterAll(async () => {
  await service?.[Symbol.asyncDispose]();
});

async function rowsOf(run: string): Promise<number[]> {
  const tables = ['run', 'journal', 'blob', 'snapshot', 'approval', 'inbox'];
  const found = await Promise.all(
    tables.map((table) => service.database.sql(`SELECT 1 FROM ${table} WHERE run_id = $1`, [toUuid(run, 'run')])),
  );
  return found.map((rows) => rows.length);
}

test('an ended run goes with all that is recorded of it, and with what it started; the audit says who did it', async () => {
  const audit = await service.record(auditEvents.execution);
  const gone = await service.record(runsDeleted);
  const { id } = await start(service, { workflow: 'above', idempotencyKey: 'once' });
  const { steps } = await ended(service, id);
  const child = steps[0]?.child as string;
  expect((await rowsOf(child)).slice(0, 3).every((count) => count > 0)).toBe(true);
  await expect(service.request(deleteRun, { run: id })).resolves.toEqual({ runs: 2 });
  for (const run of [id, child]) {
    expect(await rowsOf(run)).toEqual([0, 0, 0, 0, 0, 0]);
    await expect(service.request(getRun, { run })).rejects.toMatchObject({ code: 'not_found' });
    await expect(service.request(listRunEvents, { run })).rejects.toMatchObject({ code: 'not_found' });
  }
  expect((await gone.next(({ runs }) => runs.includes(id))).runs.sort()).toEqual([id, child].sort());
  expect((await service.request(listRuns, { workflow: 'above' })).data).toEqual([]);
  await expect(service.request(deleteRun, { run: id })).rejects.toMatchObject({ code: 'not_found' });
  const { target, detail } = await audit.next(({ action }) => action === 'run.delete');
  expect({ target, detail }).toEqual({ target: `run ${id}`, detail: { workflow: 'above', runs: 2 } });
  // A client that repeats its start is not given another run.
  await expect(service.request(startRun, { workflow: 'above', idempotencyKey: 'once' })).rejects.toMatchObject({
    code: 'not_found',
    detail: expect.stringContaining('not kept any more') as unknown as string,
  });
});

test('what lives, or belongs to what lives, stays; so does what is nobody’s', async () => {
  const { id } = await start(service, { workflow: 'above-waits' });
  const { steps } = await until(service, id, (run) => run.steps[1]?.status === 'waiting');
  for (const run of [id, steps[0]?.child as string]) {
    await expect(service.request(deleteRun, { run })).rejects.toMatchObject({
      code: 'conflict',
      next: expect.stringContaining('Cancel') as unknown as string,
    });
    expect((await rowsOf(run))[0]).toBe(1);
  }
  await expect(service.request(deleteRun, { run: newId('run') })).rejects.toMatchObject({ code: 'not_found' });
  await insist(() => service.request(cancelRun, { run: id }));
  await ended(service, id);
  await expect(service.request(deleteRun, { run: id })).resolves.toEqual({ runs: 2 });
});

test('many are deleted at once after a look: those that have ended, and no others', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push((await start(service, { workflow: 'large' })).id);
  for (const id of ids) await ended(service, id);
  const { id: lives } = await start(service, { workflow: 'waits' });
  const request = { action: 'delete' as const, ids: [...ids.slice(0, 4), lives] };
  expect(await service.request(startRunOperation, { ...request, dryRun: true })).toMatchObject({ count: 4 });
  await expect(service.request(startRunOperation, request, { as: { roles: ['operator'], scopes: ['runs:write'] } })).rejects.toMatchObject({
    code: 'forbidden',
  });
  const { operation } = await service.request(startRunOperation, request);
  for (let last = operation; last?.status === 'running'; await sleep(20)) {
    last = await service.request(getRunOperation, { operation: operation?.id as unknown as string });
    if (last.status !== 'running') expect(last).toMatchObject({ status: 'done', done: 4, failed: 0 });
  }
  expect((await service.request(listRuns, { workflow: 'large' })).data.map(({ id }) => id)).toEqual([ids[4]]);
  expect((await service.request(getRun, { run: lives })).status).toBe('waiting');
});
