import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deleteState } from '@signalbox/shared/contracts/context/delete-state.js';
import { stateChanged } from '@signalbox/shared/contracts/context/events.js';
import { getState } from '@signalbox/shared/contracts/context/get-state.js';
import { listState } from '@signalbox/shared/contracts/context/list-state.js';
import { listStateVersions } from '@signalbox/shared/contracts/context/list-state-versions.js';
import { putState } from '@signalbox/shared/contracts/context/put-state.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { answerForRuns } from './runs-peer.ts';

let context: ServiceUnderTest;
const other = { as: { workspace: '01900000-0000-7000-8000-0000000000bb' } };

beforeAll(async () => {
  context = await startService(async () => (await import('../src/context.module.ts')).ContextModule, { service: 'context' });
  await answerForRuns(context);
}, 60_000);
afterAll(() => context[Symbol.asyncDispose]());

describe('a key of shared state', () => {
  test('is written and read back whole', async () => {
    const at = { scope: newId('run'), key: 'plan' };
    const value = { b: [1, 'ä\u0000', null], a: { deep: true } };
    await expect(context.request(putState, { ...at, value }, { as: { principal: 'agent_one' } })).resolves.toEqual({ version: 1 });
    const read = await context.request(getState, at);
    expect(read).toMatchObject({ ...at, version: 1, value, updatedBy: 'agent_one' });
    expect(Object.keys(read.value as object)).toEqual(['b', 'a']);
    await expect(context.request(putState, { ...at, value: null })).resolves.toEqual({ version: 2 });
    await expect(context.request(getState, at)).resolves.toMatchObject({ value: null });
  });

  test('is read for a mirrored call, and not written', async () => {
    const at = { scope: 'workspace', key: 'mirrored' };
    await context.request(putState, { ...at, value: 1 });
    const mirrored = <T>(work: () => Promise<T>): Promise<T> => inCall({ traceparent: childTraceparent(), isMirror: true }, work);
    await expect(mirrored(() => context.request(putState, { ...at, value: 2 }))).rejects.toMatchObject({
      code: 'forbidden',
      detail: 'a mirrored call changes nothing: sb.context.state.put (state:write) is refused',
    });
    await expect(mirrored(() => context.request(deleteState, at))).rejects.toMatchObject({ code: 'forbidden' });
    await expect(mirrored(() => context.request(getState, at))).resolves.toMatchObject({ value: 1, version: 1 });
  });

  test('gives a conflict to a writer who has not seen the newest version', async () => {
    const first = { scope: 'workspace', key: 'plan', value: { step: 1 }, expectedVersion: 0 };
    await expect(context.request(putState, first)).resolves.toEqual({ version: 1 });
    await expect(context.request(putState, first)).rejects.toMatchObject({ code: 'conflict' });
    await expect(context.request(putState, { ...first, expectedVersion: 1 })).resolves.toEqual({ version: 2 });
  });

  test('is written once by what is sent again, though others have written since', async () => {
    const first = { scope: 'workspace', key: 'once', value: 1, expectedVersion: 0, idempotencyKey: 'run_1:write' };
    const both = await Promise.all([context.request(putState, first), context.request(putState, first)]);
    expect(both).toEqual([{ version: 1 }, { version: 1 }]);
    await context.request(putState, { ...first, value: 2, expectedVersion: 1, idempotencyKey: 'run_2:write' });
    await expect(context.request(putState, first)).resolves.toEqual({ version: 1 });
    await expect(context.request(getState, { scope: 'workspace', key: 'once' })).resolves.toMatchObject({ version: 2, value: 2 });
    // Another's key of that name is another's.
    const theirs = context.request(putState, first, { as: { principal: 'user_bob' } });
    await expect(theirs).rejects.toMatchObject({ code: 'conflict' });
  });

  test('lets exactly one of many win a race, and none is lost without a race', async () => {
    const at = { scope: 'workspace', key: 'race' };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, value) => context.request(putState, { ...at, value, expectedVersion: 0 })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const counted = await Promise.allSettled(Array.from({ length: 8 }, (_, value) => context.request(putState, { ...at, value })));
    const written = counted.filter(({ status }) => status === 'fulfilled').length;
    await expect(context.request(getState, at)).resolves.toMatchObject({ version: 1 + written });
  });

  test('keeps a bounded history', async () => {
    const at = { scope: 'agent:writer', key: 'draft' };
    for (let value = 1; value <= 36; value++) await context.request(putState, { ...at, value });
    const { data } = await context.request(listStateVersions, at);
    expect(data.map(({ version }) => version)).toEqual(Array.from({ length: 33 }, (_, index) => 36 - index));
    await expect(context.request(getState, { ...at, version: 10 })).resolves.toMatchObject({ value: 10 });
    await expect(context.request(getState, { ...at, version: 2 })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is deleted, and its versions go on rising', async () => {
    const at = { scope: 'workspace', key: 'gone' };
    await context.request(putState, { ...at, value: 1 });
    await expect(context.request(deleteState, { ...at, expectedVersion: 5 })).rejects.toMatchObject({ code: 'conflict' });
    await expect(context.request(deleteState, { ...at, expectedVersion: 1 })).resolves.toEqual({ version: 2 });
    await expect(context.request(deleteState, at)).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.request(getState, at)).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.request(putState, { ...at, value: 2, expectedVersion: 0 })).resolves.toEqual({ version: 3 });
    expect((await context.request(listStateVersions, at)).data[1]).toMatchObject({ version: 2, isDeleted: true });
  });

  test('is told and audited', async () => {
    const events = await context.record(stateChanged);
    const audits = await context.record(auditEvents.context);
    await context.request(putState, { scope: 'workspace', key: 'told', value: 1 });
    await context.request(deleteState, { scope: 'workspace', key: 'told' });
    await expect(events.next(({ key, change }) => key === 'told' && change === 'deleted')).resolves.toMatchObject({ version: 2 });
    await expect(audits.next(({ action }) => action === 'state.write')).resolves.toMatchObject({ target: 'state workspace/told' });
  });

  test('of 256 KiB is kept, a larger one is not', async () => {
    const at = { scope: 'workspace', key: 'large' };
    await context.request(putState, { ...at, value: 'x'.repeat(256 * 1024 - 2) });
    expect((await context.request(getState, at)).value).toHaveLength(256 * 1024 - 2);
    await expect(context.request(putState, { ...at, value: 'x'.repeat(256 * 1024) })).rejects.toMatchObject({
      code: 'invalid',
      status: 413,
    });
  });

  test.each([
    ['a scope that is none', { scope: 'everybody', key: 'a' }],
    ['an upper-case key', { scope: 'workspace', key: 'A' }],
    ['a path as key', { scope: 'workspace', key: '../a' }],
    ['a negative version', { scope: 'workspace', key: 'a', expectedVersion: -1 }],
    ['a field that nobody knows', { scope: 'workspace', key: 'a', workspace: 'x' }],
  ])('with %s is refused', async (_, wrong) => {
    await expect(context.request(putState, { value: 1, ...wrong })).rejects.toMatchObject({ code: 'invalid' });
  });
});

test('keys of a scope are listed in order, without values, page by page', async () => {
  const scope = newId('run');
  for (const key of ['c', 'a', 'b.x', 'deleted']) await context.request(putState, { scope, key, value: [1, 2] });
  await context.request(deleteState, { scope, key: 'deleted' });
  const first = await context.request(listState, { scope, limit: 2 });
  expect(first.data.map(({ key, bytes }) => [key, bytes])).toEqual([
    ['a', 5],
    ['b.x', 5],
  ]);
  await expect(context.request(listState, { scope, cursor: first.nextCursor! })).resolves.toMatchObject({
    data: [{ key: 'c' }],
    nextCursor: null,
  });
  expect((await context.request(listState, { scope, q: '.x' })).data).toHaveLength(1);
});

test('a scope that is full takes no further key, but writes the ones it has', async () => {
  const scope = newId('run');
  await context.request(putState, { scope, key: 'k', value: 1 });
  await context.database.sql(
    `INSERT INTO state_entry (workspace, scope, key, version, value, is_deleted, updated_by)
     SELECT workspace, scope, 'k' || n, 1, '1', false, 'x' FROM state_entry, generate_series(1, 9999) AS n WHERE scope = $1`,
    [scope],
  );
  await expect(context.request(putState, { scope, key: 'more', value: 1 })).rejects.toMatchObject({ code: 'limited' });
  await expect(context.request(putState, { scope, key: 'k', value: 2 })).resolves.toEqual({ version: 2 });
});

test("A01: another workspace's key is unknown, and its own is its own", async () => {
  const at = { scope: 'workspace', key: 'private' };
  await context.request(putState, { ...at, value: 'ours' });
  await expect(context.request(getState, at, other)).rejects.toMatchObject({ code: 'not_found' });
  await expect(context.request(listStateVersions, at, other)).rejects.toMatchObject({ code: 'not_found' });
  await expect(context.request(putState, { ...at, value: 'theirs', expectedVersion: 0 }, other)).resolves.toEqual({ version: 1 });
  await expect(context.request(getState, at)).resolves.toMatchObject({ value: 'ours' });
});

test('a viewer reads and does not write', async () => {
  const viewer = { as: { roles: ['viewer' as const] } };
  await expect(context.request(putState, { scope: 'workspace', key: 'v', value: 1 }, viewer)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(context.request(listState, { scope: 'workspace' }, viewer)).resolves.toBeDefined();
});
