import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chunkBytes, receiveChunks, sendChunks } from '@signalbox/shared/bus/stream.js';
import type { Artifact } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { deleteArtifact } from '@signalbox/shared/contracts/context/delete-artifact.js';
import { artifactChanged } from '@signalbox/shared/contracts/context/events.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { getArtifact } from '@signalbox/shared/contracts/context/get-artifact.js';
import { getState } from '@signalbox/shared/contracts/context/get-state.js';
import { listArtifacts } from '@signalbox/shared/contracts/context/list-artifacts.js';
import { listStateVersions } from '@signalbox/shared/contracts/context/list-state-versions.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { putState } from '@signalbox/shared/contracts/context/put-state.js';
import { readChunk } from '@signalbox/shared/contracts/context/read-chunk.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { runsDeleted } from '@signalbox/shared/contracts/execution/runs-deleted.js';
import { newId, toUuid } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { Sweeper } from '../src/sweeper.ts';
import { answerForRuns } from './runs-peer.ts';

let context: ServiceUnderTest;
const other = { workspace: '01900000-0000-7000-8000-0000000000bb' };
const maxBytes = 2 * 1024 * 1024;
const foreignRun = newId('run');

beforeAll(async () => {
  context = await startService(async () => (await import('../src/context.module.ts')).ContextModule, {
    service: 'context',
    env: { ARTIFACT_MAX_BYTES: String(maxBytes), UPLOADS_MAX: '3' },
  });
  await answerForRuns(context);
}, 60_000);
afterAll(() => context[Symbol.asyncDispose]());

const text = { name: 'report.md', mediaType: 'text/markdown', content: '# Report\n' };

async function upload(bytes: Buffer, sha256?: string): Promise<Artifact> {
  const { upload: id } = await context.request(beginUpload, { name: 'big.bin', mediaType: 'application/octet-stream', size: bytes.length });
  const chunks = await sendChunks([bytes], (chunk) => context.request(writeChunk, { upload: id, ...chunk }));
  return context.request(finishUpload, { upload: id, chunks, ...(sha256 && { sha256 }) });
}

async function download({ id, size }: Artifact): Promise<Buffer> {
  const parts: Buffer[] = [];
  const count = Math.ceil(size / chunkBytes);
  for await (const part of receiveChunks(count, (index) => context.request(readChunk, { artifact: id, index }))) parts.push(part);
  return Buffer.concat(parts);
}

test('A01: what is of a run is of a run that the workspace has', async () => {
  await answerForRuns(context, [foreignRun]);
  await expect(context.request(putArtifact, { ...text, run: foreignRun })).rejects.toMatchObject({ code: 'not_found' });
  await expect(context.request(beginUpload, { name: 'x', mediaType: 'text/plain', size: 1, run: foreignRun })).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('what deleted runs made and kept goes with them, also while this service is away; what others made stays', async () => {
  const events = await context.record(artifactChanged);
  const [run, another] = [newId('run'), newId('run')];
  const made: { id: string }[] = [];
  for (let n = 0; n < 101; n++) made.push(await context.request(putArtifact, { ...text, content: `${n}`, run }));
  const shared = await context.request(putArtifact, { ...text, content: '7', run: another });
  const deleted = { entity: run, version: 1 };
  for (const scope of [run, another]) await context.request(putState, { scope, key: 'board', value: scope });
  await context.stop();
  await context.publish(runsDeleted, { runs: [run] }, deleted);
  await context.start();
  await events.next(({ id, change }) => id === made.at(-1)?.id && change === 'deleted');
  for (const { id } of made) await events.next((event) => event.id === id && event.change === 'deleted');
  expect((await context.request(listArtifacts, { run })).data).toEqual([]);
  expect((await download(shared)).toString()).toBe('7');
  await expect(context.request(getState, { scope: run, key: 'board' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(context.request(listStateVersions, { scope: run, key: 'board' })).rejects.toMatchObject({ code: 'not_found' });
  await expect(context.request(getState, { scope: another, key: 'board' })).resolves.toMatchObject({ value: another });
  // Told again, it changes nothing.
  await context.publish(runsDeleted, { runs: [run] }, { ...deleted, entity: another });
  await context.publish(runsDeleted, { runs: [another] }, { ...deleted, entity: another, version: 2 });
  await events.next(({ id, change }) => id === shared.id && change === 'deleted');
  expect(events.heard.filter(({ payload }) => payload.change === 'deleted')).toHaveLength(102);
  const [left] = await context.database.sql<{ count: string }>(`SELECT count(*) FROM blob WHERE size <= 3`);
  expect(Number(left?.count)).toBe(0);
});

describe('a small artifact', () => {
  test('is kept in one message, told and audited', async () => {
    const events = await context.record(artifactChanged);
    const audits = await context.record(auditEvents.context);
    const run = newId('run');
    const made = await context.request(putArtifact, { ...text, run, step: 'write[2]' }, { as: { principal: 'user_ada' } });
    expect(made).toMatchObject({
      name: 'report.md',
      mediaType: 'text/markdown',
      size: 9,
      sha256: createHash('sha256').update(text.content).digest('hex'),
      run,
      step: 'write[2]',
      createdBy: 'user_ada',
    });
    await expect(context.request(getArtifact, { artifact: made.id })).resolves.toEqual(made);
    expect((await download(made)).toString()).toBe(text.content);
    await expect(events.next(({ id }) => id === made.id)).resolves.toMatchObject({ change: 'created', run });
    await expect(audits.next(({ target }) => target.includes(made.id))).resolves.toMatchObject({
      action: 'artifact.create',
      principal: 'user_ada',
    });
  });

  test('can be bytes in base64, and empty', async () => {
    const bytes = randomBytes(300_000);
    const made = await context.request(putArtifact, { ...text, content: bytes.toString('base64'), encoding: 'base64' });
    expect((await download(made)).equals(bytes)).toBe(true);
    const empty = await context.request(putArtifact, { ...text, content: '' });
    expect(empty.size).toBe(0);
    expect(await download(empty)).toHaveLength(0);
  });

  test('that is no base64 is refused', async () => {
    await expect(context.request(putArtifact, { ...text, content: 'a b', encoding: 'base64' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test.each([
    ['a folder in its name', { name: '../etc/passwd' }],
    ['a control character in its name', { name: 'a\u0000b' }],
    ['a direction override in its name', { name: 'report\u202efdp.exe' }],
    ['a dot as its name', { name: '..' }],
    ['no media type', { mediaType: 'text' }],
    ['a line break in its media type', { mediaType: 'text/html\r\nx: y' }],
    ['another kind of id as run', { run: newId('agent') }],
  ])('with %s is refused', async (_, wrong) => {
    await expect(context.request(putArtifact, { ...text, ...wrong })).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('the same content', () => {
  test('is kept once in a workspace, and goes with its last artifact', async () => {
    const content = randomBytes(1_000).toString('hex');
    const count = async (): Promise<number> =>
      Number(
        (await context.database.sql(`SELECT count(*) FROM blob WHERE sha256 = $1`, [createHash('sha256').update(content).digest()]))[0]![
          'count'
        ],
      );
    const [a, b] = await Promise.all([
      context.request(putArtifact, { ...text, content }),
      context.request(putArtifact, { ...text, content, name: 'b' }),
    ]);
    expect(await count()).toBe(1);
    await context.request(deleteArtifact, { artifact: a.id });
    expect((await download(b)).toString()).toBe(content);
    await context.request(deleteArtifact, { artifact: b.id });
    expect(await count()).toBe(0);
    await expect(context.request(getArtifact, { artifact: b.id })).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.request(deleteArtifact, { artifact: b.id })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is not shared between workspaces', async () => {
    const content = randomBytes(100).toString('hex');
    await context.request(putArtifact, { ...text, content });
    await context.request(putArtifact, { ...text, content }, { as: other });
    const rows = await context.database.sql(`SELECT workspace FROM blob WHERE sha256 = $1`, [
      createHash('sha256').update(content).digest(),
    ]);
    expect(rows).toHaveLength(2);
  });

  test('that comes and goes at the same time is never lost', async () => {
    const content = randomBytes(100).toString('hex');
    let last = await context.request(putArtifact, { ...text, content });
    for (let round = 0; round < 15; round++) {
      const [made] = await Promise.all([
        context.request(putArtifact, { ...text, content }),
        context.request(deleteArtifact, { artifact: last.id }),
      ]);
      expect((await download(made)).toString()).toBe(content);
      last = made;
    }
  });
});

describe('an idempotency key', () => {
  test('gives the same artifact again, also when asked twice at once', async () => {
    const keyed = { ...text, idempotencyKey: 'once' };
    const made = await Promise.all([1, 2, 3].map(() => context.request(putArtifact, keyed)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await expect(context.request(putArtifact, { ...keyed, content: 'another' })).rejects.toMatchObject({ code: 'conflict' });
  });

  test("of another principal or workspace is another's", async () => {
    const keyed = { ...text, idempotencyKey: 'mine' };
    const ids = await Promise.all([
      context.request(putArtifact, keyed),
      context.request(putArtifact, keyed, { as: { principal: 'user_ada' } }),
      context.request(putArtifact, keyed, { as: other }),
    ]);
    expect(new Set(ids.map(({ id }) => id)).size).toBe(3);
  });
});

describe('a large artifact', () => {
  test('comes in parts and is read in parts', async () => {
    const bytes = randomBytes(chunkBytes * 3 + 17);
    const made = await upload(bytes, createHash('sha256').update(bytes).digest('hex'));
    expect(made.size).toBe(bytes.length);
    expect((await download(made)).equals(bytes)).toBe(true);
    await expect(context.request(readChunk, { artifact: made.id, index: 4 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.database.sql('SELECT * FROM upload_chunk')).resolves.toEqual([]);
  });

  test('over the limit is refused when it is announced, and when it grows', async () => {
    const facts = { name: 'big', mediaType: 'a/b' };
    await expect(context.request(beginUpload, { ...facts, size: maxBytes + 1 })).rejects.toMatchObject({ code: 'limited', status: 413 });
    const { upload: id } = await context.request(beginUpload, facts);
    await expect(context.request(writeChunk, { upload: id, index: 8, data: 'AAAA' })).rejects.toMatchObject({ code: 'limited' });
    await expect(context.request(finishUpload, { upload: id, chunks: 10 })).rejects.toMatchObject({ code: 'limited' });
    await expect(context.request(finishUpload, { upload: id, chunks: 0 })).resolves.toMatchObject({ size: 0 });
  });

  test('with a missing part, a short part or another hash is refused and can be mended', async () => {
    const { upload: id } = await context.request(beginUpload, { name: 'big', mediaType: 'a/b' });
    await context.request(writeChunk, { upload: id, index: 1, data: Buffer.from('end').toString('base64') });
    await expect(context.request(finishUpload, { upload: id, chunks: 2 })).rejects.toMatchObject({
      code: 'invalid',
      detail: 'part 0 did not come',
    });
    await context.request(writeChunk, { upload: id, index: 0, data: Buffer.from('short').toString('base64') });
    await expect(context.request(finishUpload, { upload: id, chunks: 2 })).rejects.toMatchObject({ code: 'invalid' });
    await context.request(writeChunk, { upload: id, index: 0, data: Buffer.alloc(chunkBytes, 1).toString('base64') });
    await expect(context.request(finishUpload, { upload: id, chunks: 2, sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(context.request(finishUpload, { upload: id, chunks: 2 })).resolves.toMatchObject({ size: chunkBytes + 3 });
    await expect(context.request(finishUpload, { upload: id, chunks: 2 })).rejects.toMatchObject({ code: 'not_found' });
  });

  test("is its sender's alone while it comes, and only so many come at once", async () => {
    const open = await Promise.all([1, 2, 3].map(() => context.request(beginUpload, { name: 'x', mediaType: 'a/b' })));
    await expect(context.request(beginUpload, { name: 'x', mediaType: 'a/b' })).rejects.toMatchObject({ code: 'limited' });
    const part = { upload: open[0]!.upload, index: 0, data: 'AAAA' };
    await expect(context.request(writeChunk, part, { as: { principal: 'user_eve' } })).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.request(writeChunk, part, { as: other })).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      context.request(finishUpload, { upload: part.upload, chunks: 0 }, { as: { principal: 'user_eve' } }),
    ).rejects.toMatchObject({
      code: 'not_found',
    });
    await context.request(writeChunk, part);
    await context.database.sql(`UPDATE upload SET created_at = now() - interval '2 hours'`);
    await context.database.sql(`UPDATE artifact SET created_at = now() - interval '25 hours' WHERE idempotency_key = 'once'`);
    await context.app.get(Sweeper).sweep();
    await expect(context.request(writeChunk, part)).rejects.toMatchObject({ code: 'not_found' });
    await expect(context.database.sql(`SELECT * FROM artifact WHERE idempotency_key = 'once'`)).resolves.toEqual([]);
  });
});

test('artifacts are listed the newest first, by run, name and words, page by page', async () => {
  const run = newId('run');
  for (const name of ['a.md', 'b.md', 'c.json'])
    await context.request(putArtifact, { ...text, name, run, mediaType: name.endsWith('md') ? 'text/markdown' : 'application/json' });
  const first = await context.request(listArtifacts, { run, limit: 2 });
  expect(first.data.map(({ name }) => name)).toEqual(['c.json', 'b.md']);
  const second = await context.request(listArtifacts, { run, limit: 2, cursor: first.nextCursor! });
  expect(second).toMatchObject({ data: [{ name: 'a.md' }], nextCursor: null });
  expect((await context.request(listArtifacts, { run, q: 'MARKDOWN b' })).data.map(({ name }) => name)).toEqual(['b.md']);
  expect((await context.request(listArtifacts, { run, q: '%' })).data).toEqual([]);
  expect((await context.request(listArtifacts, { run, name: 'a.md' })).data).toHaveLength(1);
  expect((await context.request(listArtifacts, { run }, { as: other })).data).toEqual([]);
  await expect(context.request(listArtifacts, { cursor: 'bm9wZQ' })).rejects.toMatchObject({ code: 'invalid' });
});

test("A01: another workspace's artifact is unknown, by every way to it", async () => {
  const made = await context.request(putArtifact, text);
  for (const asking of [
    context.request(getArtifact, { artifact: made.id }, { as: other }),
    context.request(readChunk, { artifact: made.id, index: 0 }, { as: other }),
    context.request(deleteArtifact, { artifact: made.id }, { as: other }),
  ]) {
    await expect(asking).rejects.toMatchObject({ code: 'not_found' });
  }
  await expect(context.request(getArtifact, { artifact: made.id })).resolves.toEqual(made);
});

test('A09: the request role sees nothing without a workspace', async () => {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: context.database.url('request') });
  await client.connect();
  try {
    for (const table of ['artifact', 'blob', 'blob_chunk', 'upload', 'upload_chunk', 'state_entry', 'state_version', 'thread', 'message']) {
      expect((await client.query(`SELECT count(*)::int AS n FROM ${table}`)).rows).toEqual([{ n: 0 }]);
    }
    await expect(
      client.query(`INSERT INTO thread (workspace, id, labels, created_by) VALUES ($1, $2, '{}', 'x')`, [
        other.workspace,
        toUuid(newId('thread'), 'thread'),
      ]),
    ).rejects.toThrow('row-level security');
  } finally {
    await client.end();
  }
});

test('a viewer reads and does not write; what may not be read is not', async () => {
  const viewer = { as: { roles: ['viewer' as const] } };
  const made = await context.request(putArtifact, text);
  await expect(context.request(getArtifact, { artifact: made.id }, viewer)).resolves.toEqual(made);
  await expect(context.request(putArtifact, text, viewer)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(context.request(deleteArtifact, { artifact: made.id }, viewer)).rejects.toMatchObject({ code: 'forbidden' });
});
