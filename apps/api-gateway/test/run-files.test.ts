import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { chunkBytes } from '@signalbox/shared/bus/stream.js';
import type { Artifact, ArtifactFacts } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { deleteArtifact } from '@signalbox/shared/contracts/context/delete-artifact.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { deleteRun } from '@signalbox/shared/contracts/execution/delete-run.js';
import { exportRun } from '@signalbox/shared/contracts/execution/export-run.js';
import { importRun } from '@signalbox/shared/contracts/execution/import-run.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const key = 'sbx_run_files_key_of_ann_1';
const at = '2026-11-24T08:00:00.000Z';
const id = newId('run');
let nats: TestBus;
let gateway: RunningGateway;
/** What `context` has, by artifact, and what `execution` was given of it. */
const kept = new Map<string, Buffer>();
let given: { bytes: Buffer; idempotencyKey: string | undefined }[] = [];
let parts: Buffer[] = [];

const run: RunView = {
  ...{
    id,
    workflow: 'report',
    workflowHash: `sha256:${'0'.repeat(64)}`,
    status: 'succeeded',
    reason: null,
    labels: {},
    error: null,
    parent: null,
  },
  ...{ startedBy: 'ann', createdAt: at, startedAt: at, endedAt: at, origin: { run: newId('run'), importedBy: 'ann', importedAt: at } },
  ...{ progress: { total: 1, done: 1, running: 0, waiting: 0, failed: 0 }, usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 } },
};

function keep({ name, mediaType }: ArtifactFacts, bytes: Buffer): Artifact {
  const artifact = newId('artifact');
  kept.set(artifact, bytes);
  return {
    id: artifact,
    name,
    mediaType,
    size: bytes.length,
    sha256: '0'.repeat(64),
    run: null,
    step: null,
    createdAt: at,
    createdBy: 'ann',
  };
}

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  await nats.answer(putArtifact, ({ content, encoding, ...facts }) => keep(facts, Buffer.from(content, encoding ?? 'utf8')));
  let facts: ArtifactFacts;
  await nats.answer(beginUpload, (begun) => {
    facts = begun;
    parts = [];
    return { upload: newId('upload'), credit: 2 };
  });
  await nats.answer(writeChunk, ({ index, data }) => {
    parts[index] = Buffer.from(data, 'base64');
    return { credit: 2 };
  });
  await nats.answer(finishUpload, () => keep(facts, Buffer.concat(parts)));
  await nats.answer(deleteArtifact, ({ artifact }) => {
    kept.delete(artifact);
    return {};
  });
  await nats.answer(importRun, ({ artifact, idempotencyKey }) => {
    const bytes = kept.get(artifact) as Buffer;
    given.push({ bytes, idempotencyKey });
    if (bytes.toString() === 'bad') throw new Fault('invalid', 'line 1 of the file: this is no file of a run', 'Export the run again.');
    return run;
  });
  await nats.answer(exportRun, ({ run: which, cursor }) => {
    if (which !== id) throw new Fault('conflict', 'the run has not ended', 'Wait for its end.');
    const page = Number(cursor ?? 0);
    return { data: Buffer.alloc(chunkBytes, 97 + page).toString('base64'), nextCursor: page < 3 ? String(page + 1) : null };
  });
  await nats.answer(deleteRun, () => ({ runs: 1 }));
  gateway = await startGateway(
    Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') }),
  );
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  given = [];
});

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${gateway.url}/api/v1${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } });
}

test('an ended run is a file that is streamed part by part; one that lives is refused before it begins', async () => {
  const answer = await ask(`/runs/${id}/export`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${id}.run.jsonl"`);
  const text = await answer.text();
  expect(text).toBe('abcd'.replaceAll(/./g, (letter) => letter.repeat(chunkBytes)));
  const refused = await ask(`/runs/${newId('run')}/export`);
  expect([refused.status, refused.headers.get('content-type')]).toEqual([409, 'application/problem+json; charset=utf-8']);
  expect((await ask('/runs/nonsense/export')).status).toBe(404);
});

test('a file of any size becomes a run, and no artifact of it is left', async () => {
  for (const [size, type] of [
    [3, 'application/x-ndjson'],
    [3 * chunkBytes + 7, 'application/json'],
  ] as const) {
    const bytes = Buffer.alloc(size, 'x');
    const answer = await ask('/runs/import', { method: 'POST', body: bytes, headers: { 'content-type': type, 'idempotency-key': 'k' } });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`/api/v1/runs/${id}`);
    expect(await answer.json()).toMatchObject({ id, origin: run.origin });
    expect(given.at(-1)?.bytes.equals(bytes)).toBe(true);
    expect(given.at(-1)?.idempotencyKey).toBe('k');
    expect(kept.size).toBe(0);
  }
});

test('a file that is none is refused with what is wrong with it, and nothing of it is left', async () => {
  const answer = await ask('/runs/import', { method: 'POST', body: 'bad' });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: 'invalid', detail: 'line 1 of the file: this is no file of a run' });
  expect(kept.size).toBe(0);
});

test('nobody’s file is not read', async () => {
  const answer = await fetch(`${gateway.url}/api/v1/runs/import`, { method: 'POST', body: 'x' });
  expect(answer.status).toBe(401);
  expect(given).toEqual([]);
});

test('a run is deleted', async () => {
  expect((await ask(`/runs/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await ask('/runs/nonsense', { method: 'DELETE' })).status).toBe(404);
});
