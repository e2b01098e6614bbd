import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendMessage } from '@signalbox/shared/contracts/context/append-message.js';
import { createThread } from '@signalbox/shared/contracts/context/create-thread.js';
import { deleteThread } from '@signalbox/shared/contracts/context/delete-thread.js';
import { threadChanged } from '@signalbox/shared/contracts/context/events.js';
import { getThread } from '@signalbox/shared/contracts/context/get-thread.js';
import { listMessages } from '@signalbox/shared/contracts/context/list-messages.js';
import { listThreads } from '@signalbox/shared/contracts/context/list-threads.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { answerForRuns } from './runs-peer.ts';

let context: ServiceUnderTest;
const other = { as: { workspace: '01900000-0000-7000-8000-0000000000bb' } };

beforeAll(async () => {
  context = await startService(async () => (await import('../src/context.module.ts')).ContextModule, { service: 'context' });
  await answerForRuns(context);
}, 60_000);
afterAll(() => context[Symbol.asyncDispose]());

describe('a thread', () => {
  test('begins, is found by its title, counts its messages and goes', async () => {
    const events = await context.record(threadChanged);
    const thread = await context.request(createThread, { title: 'Release plan', labels: { team: 'web' } });
    expect(thread).toMatchObject({ title: 'Release plan', labels: { team: 'web' }, messages: 0 });
    await context.request(appendMessage, { thread: thread.id, role: 'user', content: 'hello' });
    await expect(context.request(getThread, { thread: thread.id })).resolves.toMatchObject({ messages: 1 });
    expect((await context.request(listThreads, { q: 'PLAN release' })).data.map(({ id }) => id)).toEqual([thread.id]);
    await context.request(deleteThread, { thread: thread.id });
    await expect(context.request(getThread, { thread: thread.id })).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.request(deleteThread, { thread: thread.id })).rejects.toMatchObject({ code: 'not_found' });
    await expect(events.next(({ change }) => change === 'deleted')).resolves.toMatchObject({ id: thread.id, messages: 1 });
    expect(await context.database.sql(`SELECT * FROM message WHERE content::text = '"hello"'`)).toEqual([]);
  });

  test('is made once for one idempotency key', async () => {
    const asked = { title: 'once', labels: { a: 'b' }, idempotencyKey: 'k' };
    const [a, b] = await Promise.all([context.request(createThread, asked), context.request(createThread, asked)]);
    expect(a.id).toBe(b.id);
    await expect(context.request(createThread, { ...asked, title: 'other' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(context.request(createThread, asked, { as: { principal: 'user_ada' } })).resolves.not.toMatchObject({ id: a.id });
  });

  test('with too many or unfit labels is refused', async () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`l${index}`, 'x']));
    for (const labels of [many, { a: 5 as never }, { ['x'.repeat(64)]: 'a' }, { a: 'x'.repeat(256) }]) {
      await expect(context.request(createThread, { labels })).rejects.toMatchObject({ code: 'invalid' });
    }
  });

  test('is listed the newest first, page by page', async () => {
    const made = [];
    for (let index = 0; index < 3; index++) made.push((await context.request(createThread, { title: `paged ${index}` })).id);
    const first = await context.request(listThreads, { q: 'paged', limit: 2 });
    const second = await context.request(listThreads, { q: 'paged', limit: 2, cursor: first.nextCursor! });
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(made.reverse());
    expect(second.nextCursor).toBeNull();
  });
});

describe('messages', () => {
  test('get the next numbers without gaps, whoever writes at the same time', async () => {
    const { id: thread } = await context.request(createThread, {});
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        context.request(appendMessage, { thread, role: 'user', content: { index }, name: 'ann', run: newId('run') }),
      ),
    );
    expect(made.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    const up = await context.request(listMessages, { thread, limit: 7 });
    const rest = await context.request(listMessages, { thread, limit: 7, cursor: up.nextCursor! });
    expect([...up.data, ...rest.data].map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    expect(rest.nextCursor).toBeNull();
    const down = await context.request(listMessages, { thread, order: 'desc', limit: 2 });
    expect(down.data.map(({ seq }) => seq)).toEqual([12, 11]);
    expect((await context.request(listMessages, { thread, order: 'desc', cursor: down.nextCursor!, limit: 1 })).data[0]!.seq).toBe(10);
  });

  test('of one idempotency key are one', async () => {
    const { id: thread } = await context.request(createThread, {});
    const asked = { thread, role: 'user' as const, content: [{ type: 'text', text: 'x' }], idempotencyKey: 'k' };
    const made = await Promise.all([1, 2, 3].map(() => context.request(appendMessage, asked)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await expect(context.request(appendMessage, { ...asked, content: 'y' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(context.request(getThread, { thread })).resolves.toMatchObject({ messages: 1 });
  });

  test('that are large come in pages that fit a message', async () => {
    const { id: thread } = await context.request(createThread, {});
    for (let index = 0; index < 4; index++) await context.request(appendMessage, { thread, role: 'user', content: 'x'.repeat(200_000) });
    let cursor: string | null | undefined;
    const seen: number[] = [];
    let pages = 0;
    do {
      const page = await context.request(listMessages, { thread, ...(cursor && { cursor }) });
      seen.push(...page.data.map(({ seq }) => seq));
      cursor = page.nextCursor;
      pages++;
    } while (cursor);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(pages).toBeGreaterThan(2);
    await expect(context.request(appendMessage, { thread, role: 'user', content: 'x'.repeat(260_000) })).resolves.toMatchObject({ seq: 5 });
    await expect(context.request(appendMessage, { thread, role: 'user', content: 'x'.repeat(270_000) })).rejects.toMatchObject({
      status: 413,
    });
  });

  test('of a thread that is not there, or with what nobody knows, are refused', async () => {
    const thread = newId('thread');
    await expect(context.request(appendMessage, { thread, role: 'user', content: 'x' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.request(listMessages, { thread })).rejects.toMatchObject({ code: 'not_found' });
    const { id } = await context.request(createThread, {});
    await expect(context.request(appendMessage, { thread: id, role: 'king' as never, content: 'x' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(context.request(listMessages, { thread: id, q: 'x' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(context.request(listMessages, { thread: id, cursor: Buffer.from('["x"]').toString('base64url') })).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

test("A01: another workspace's thread is unknown, by every way to it", async () => {
  const { id: thread } = await context.request(createThread, { title: 'secret' });
  for (const asking of [
    context.request(getThread, { thread }, other),
    context.request(listMessages, { thread }, other),
    context.request(deleteThread, { thread }, other),
    context.request(appendMessage, { thread, role: 'user', content: 'x' }, other),
  ]) {
    await expect(asking).rejects.toMatchObject({ code: 'not_found' });
  }
  expect((await context.request(listThreads, { q: 'secret' }, other)).data).toEqual([]);
});

test('a viewer reads and does not write', async () => {
  await expect(context.request(createThread, {}, { as: { roles: ['viewer'] } })).rejects.toMatchObject({ code: 'forbidden' });
});
