import 'reflect-metadata';
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Artifact, ArtifactFacts } from '@signalbox/shared/contracts/context/artifact.js';
import { appendMessage } from '@signalbox/shared/contracts/context/append-message.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { createThread } from '@signalbox/shared/contracts/context/create-thread.js';
import { deleteArtifact } from '@signalbox/shared/contracts/context/delete-artifact.js';
import { deleteState } from '@signalbox/shared/contracts/context/delete-state.js';
import { deleteThread } from '@signalbox/shared/contracts/context/delete-thread.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { getArtifact } from '@signalbox/shared/contracts/context/get-artifact.js';
import { getState } from '@signalbox/shared/contracts/context/get-state.js';
import { getThread } from '@signalbox/shared/contracts/context/get-thread.js';
import { listArtifacts } from '@signalbox/shared/contracts/context/list-artifacts.js';
import { listMessages } from '@signalbox/shared/contracts/context/list-messages.js';
import { listState } from '@signalbox/shared/contracts/context/list-state.js';
import { listStateVersions } from '@signalbox/shared/contracts/context/list-state-versions.js';
import { listThreads } from '@signalbox/shared/contracts/context/list-threads.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { putState } from '@signalbox/shared/contracts/context/put-state.js';
import { readChunk } from '@signalbox/shared/contracts/context/read-chunk.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { listBreakers } from '@signalbox/shared/contracts/protocol/list-breakers.js';
import { listModels } from '@signalbox/shared/contracts/protocol/list-models.js';
import { chunkBytes } from '@signalbox/shared/bus/stream.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const key = 'sbx_gateway_test_key_of_ann';
const now = new Date().toISOString();
let nats: TestBus;
let gateway: RunningGateway;
/** What the test answers for `context`, by contract; tests look at what came. */
const kept = new Map<string, { facts: Artifact; bytes: Buffer }>();
const uploads = new Map<string, { facts: ArtifactFacts; parts: Buffer[]; most: number; open: number }>();
const asked: Record<string, unknown>[] = [];

function keep(facts: ArtifactFacts, bytes: Buffer): Artifact {
  const { name, mediaType, run, step } = facts;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const artifact: Artifact = {
    id: newId('artifact'),
    name,
    mediaType,
    size: bytes.length,
    sha256,
    run: run ?? null,
    step: step ?? null,
    createdAt: now,
    createdBy: 'user_ann',
  };
  kept.set(artifact.id, { facts: artifact, bytes });
  return artifact;
}

function known(id: string): { facts: Artifact; bytes: Buffer } {
  const found = kept.get(id);
  if (!found) throw new Fault('not_found', 'there is no such artifact', 'Check the identifier.');
  return found;
}

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  await nats.answer(putArtifact, ({ content, encoding, ...facts }) => {
    asked.push({ ...facts });
    return keep(facts, Buffer.from(content, encoding ?? 'utf8'));
  });
  await nats.answer(beginUpload, ({ size, ...facts }) => {
    if (size !== undefined && size > 2_000_000)
      throw new Fault('limited', 'an artifact has at most 2000000 bytes', 'Split it.', { status: 413 });
    const upload = newId('upload');
    uploads.set(upload, { facts, parts: [], most: 0, open: 0 });
    return { upload, credit: 2 };
  });
  await nats.answer(writeChunk, async ({ upload, index, data }) => {
    const to = uploads.get(upload)!;
    to.most = Math.max(to.most, ++to.open);
    await new Promise((resolve) => setTimeout(resolve, 100)); // long enough for the next part to arrive, on a busy machine too
    to.open--;
    to.parts[index] = Buffer.from(data, 'base64');
    return { credit: 2 };
  });
  await nats.answer(finishUpload, ({ upload, chunks }) => {
    const { facts, parts } = uploads.get(upload)!;
    expect(parts).toHaveLength(chunks);
    return keep(facts, Buffer.concat(parts));
  });
  await nats.answer(getArtifact, ({ artifact }) => known(artifact).facts);
  await nats.answer(readChunk, ({ artifact, index }) => ({
    index,
    data: known(artifact)
      .bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)
      .toString('base64'),
  }));
  await nats.answer(deleteArtifact, ({ artifact }) => {
    known(artifact);
    kept.delete(artifact);
    return {};
  });
  await nats.answer(listArtifacts, (query) => {
    asked.push({ ...query });
    return { data: [...kept.values()].map(({ facts }) => facts), nextCursor: null };
  });
  await nats.answer(putState, (put) => {
    asked.push({ ...put });
    if (put.expectedVersion === 5) throw new Fault('conflict', 'the key is at version 7, not 5', 'Read it again.', { status: 412 });
    return { version: 8 };
  });
  await nats.answer(getState, ({ scope, key: name, version }) => ({
    scope,
    key: name,
    version: version ?? 7,
    value: { a: 1 },
    updatedAt: now,
    updatedBy: 'user_ann',
  }));
  await nats.answer(deleteState, ({ expectedVersion }) => ({ version: (expectedVersion ?? 7) + 1 }));
  await nats.answer(listState, ({ scope }) => ({
    data: [{ scope, key: 'plan', version: 1, bytes: 5, updatedAt: now, updatedBy: 'user_ann' }],
    nextCursor: null,
  }));
  await nats.answer(listStateVersions, () => ({
    data: [{ version: 1, isDeleted: false, bytes: 5, updatedAt: now, updatedBy: 'user_ann' }],
  }));
  const thread = { id: newId('thread'), title: 'plan', labels: {}, messages: 0, createdAt: now, createdBy: 'user_ann', updatedAt: now };
  await nats.answer(createThread, (request) => {
    asked.push({ ...request });
    return thread;
  });
  await nats.answer(getThread, () => thread);
  await nats.answer(listThreads, () => ({ data: [thread], nextCursor: null }));
  await nats.answer(deleteThread, () => ({}));
  await nats.answer(appendMessage, ({ thread: at, role, content }) => ({
    id: newId('message'),
    thread: at,
    seq: 1,
    role,
    content,
    name: null,
    run: null,
    createdAt: now,
    createdBy: 'user_ann',
  }));
  await nats.answer(listMessages, (query) => {
    asked.push({ ...query });
    return { data: [], nextCursor: null };
  });
  await nats.answer(listBreakers, () => ({
    data: [{ target: 'agent/writer', agent: 'writer', state: 'open' as const, version: 1, since: now }],
    nextCursor: null,
  }));
  await nats.answer(listModels, () => ({ data: [{ id: 'scripted-1', provider: 'default', created: 0 }] }));
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  gateway = await startGateway(config);
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

function call(method: string, path: string, body?: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body !== undefined && { body }),
  });
}
const json = { 'content-type': 'application/json' };

describe('an artifact', () => {
  test('is kept byte by byte, whatever type it says it has, and read back as a file', async () => {
    const run = newId('run');
    const text = '{ "a":   1 }\n';
    const made = await call('POST', `/artifacts?name=${encodeURIComponent('übersicht (1).json')}&run=${run}&step=write`, text, {
      ...json,
      'idempotency-key': 'k1',
    });
    expect(made.status).toBe(201);
    const artifact = (await made.json()) as Artifact;
    expect(made.headers.get('location')).toBe(`/api/v1/artifacts/${artifact.id}`);
    expect(asked.at(-1)).toEqual({ name: 'übersicht (1).json', mediaType: 'application/json', run, step: 'write', idempotencyKey: 'k1' });
    await expect(call('GET', `/artifacts/${artifact.id}`).then((answer) => answer.json())).resolves.toEqual(artifact);
    const content = await call('GET', `/artifacts/${artifact.id}/content`);
    expect(await content.text()).toBe(text);
    expect(content.headers.get('content-type')).toBe('application/json');
  });

  test('A20: opened by its address is an attachment, nosniff and sandboxed', async () => {
    const made = (await (
      await call('POST', '/artifacts?name=page.html', '<script>alert(1)</script>', { 'content-type': 'text/html' })
    ).json()) as Artifact;
    const content = await call('GET', `/artifacts/${made.id}/content`);
    expect(Object.fromEntries(content.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-disposition': `attachment; filename="page.html"; filename*=UTF-8''page.html`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'content-length': '25',
      etag: `"${made.sha256}"`,
    });
    const again = await call('GET', `/artifacts/${made.id}/content`, undefined, { 'if-none-match': `"${made.sha256}"` });
    expect(again.status).toBe(304);
  });

  test('of several parts goes and comes in parts, few at a time', async () => {
    const bytes = randomBytes(chunkBytes * 5 + 3);
    const made = (await (await call('POST', '/artifacts?name=big.bin', bytes)).json()) as Artifact;
    expect(made).toMatchObject({ size: bytes.length, mediaType: 'application/octet-stream' });
    expect([...uploads.values()].at(-1)!.most).toBe(2);
    const content = Buffer.from(await (await call('GET', `/artifacts/${made.id}/content`)).arrayBuffer());
    expect(content.equals(bytes)).toBe(true);
  });

  test('can be empty', async () => {
    const made = (await (await call('POST', '/artifacts?name=empty')).json()) as Artifact;
    expect(made.size).toBe(0);
    expect(await (await call('GET', `/artifacts/${made.id}/content`)).text()).toBe('');
  });

  test('that is too large is refused before it is sent whole', async () => {
    const refused = await call('POST', '/artifacts?name=big', Buffer.alloc(3_000_000));
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({ code: 'limited' });
  });

  test('whose sender goes in the middle is not kept', async () => {
    const before = kept.size;
    const url = new URL(`${gateway.url}/api/v1/artifacts?name=half`);
    const sending = httpRequest(url, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-length': '1000000' } });
    sending.on('error', () => undefined);
    sending.write(Buffer.alloc(300_000));
    await new Promise((resolve) => setTimeout(resolve, 200));
    sending.destroy();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(kept.size).toBe(before);
    expect((await call('GET', '/artifacts')).status).toBe(200);
  });

  test('is not taken from nobody, and its body not read', async () => {
    const refused = await fetch(`${gateway.url}/api/v1/artifacts?name=x`, {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expect(refused.status).toBe(401);
  });

  test.each([
    '/artifacts',
    '/artifacts?name=..',
    '/artifacts?name=a%2Fb',
    '/artifacts?name=a%00',
    '/artifacts?name=a&run=nonsense',
    '/artifacts?name=a&size=1',
  ])('sent to %s is refused', async (path) => {
    expect((await call('POST', path, 'x', { 'content-type': 'text/plain' })).status).toBe(400);
  });

  test.each(['nonsense', '..%2f..%2fetc', newId('run'), newId('artifact')])('of the id %s is unknown', async (id) => {
    for (const answer of [
      await call('GET', `/artifacts/${id}`),
      await call('GET', `/artifacts/${id}/content`),
      await call('DELETE', `/artifacts/${id}`),
    ]) {
      expect(answer.status).toBe(404);
    }
  });

  test('is listed and goes', async () => {
    const made = (await (await call('POST', '/artifacts?name=gone', 'x')).json()) as Artifact;
    expect(((await (await call('GET', '/artifacts?name=gone&limit=5&q=a')).json()) as { data: unknown[] }).data.length).toBeGreaterThan(0);
    expect(asked.at(-1)).toEqual({ name: 'gone', limit: 5, q: 'a' });
    expect((await call('DELETE', `/artifacts/${made.id}`)).status).toBe(204);
    expect((await call('GET', `/artifacts/${made.id}`)).status).toBe(404);
  });
});

describe('shared state', () => {
  test('is written over the version that was seen, and a lost race is 412', async () => {
    const written = await call('PUT', '/state/agent%3Awriter/plan', '{"value":{"constructor":1}}', { ...json, 'if-match': '"7"' });
    expect(written.headers.get('etag')).toBe('"8"');
    expect(await written.json()).toEqual({ version: 8 });
    expect(asked.at(-1)).toEqual({ scope: 'agent:writer', key: 'plan', value: { constructor: 1 }, expectedVersion: 7 });
    expect((await call('PUT', '/state/workspace/plan', '{"value":1}', { ...json, 'if-match': '"5"' })).status).toBe(412);
    expect((await call('PUT', '/state/workspace/plan', '{"value":1,"version":3}', json)).status).toBe(400);
    expect((await call('PUT', '/state/everybody/plan', '{"value":1}', json)).status).toBe(400);
  });

  test('is read, also as it was, listed and deleted', async () => {
    const read = await call('GET', '/state/workspace/plan');
    expect(read.headers.get('etag')).toBe('"7"');
    expect(await read.json()).toMatchObject({ scope: 'workspace', key: 'plan', value: { a: 1 } });
    expect(await (await call('GET', '/state/workspace/plan?version=3')).json()).toMatchObject({ version: 3 });
    expect(await (await call('GET', '/state/workspace')).json()).toMatchObject({ data: [{ key: 'plan' }] });
    expect(await (await call('GET', '/state/workspace/plan/versions')).json()).toMatchObject({ data: [{ version: 1 }] });
    expect(await (await call('DELETE', '/state/workspace/plan', undefined, { 'if-match': '"7"' })).json()).toEqual({ version: 8 });
  });
});

test('threads and their messages', async () => {
  const made = await call('POST', '/threads', '{"title":"plan","labels":{"a":"b"}}', { ...json, 'idempotency-key': 'k' });
  expect(made.status).toBe(201);
  const { id } = (await made.json()) as { id: string };
  expect(asked.at(-1)).toEqual({ title: 'plan', labels: { a: 'b' }, idempotencyKey: 'k' });
  expect(await (await call('GET', `/threads/${id}`)).json()).toMatchObject({ title: 'plan' });
  expect(await (await call('GET', '/threads?q=plan')).json()).toMatchObject({ data: [{ id }] });
  const said = await call('POST', `/threads/${id}/messages`, '{"role":"user","content":"hello"}', json);
  expect(said.status).toBe(201);
  expect(await said.json()).toMatchObject({ seq: 1, content: 'hello' });
  expect((await call('GET', `/threads/${id}/messages?order=desc&limit=1`)).status).toBe(200);
  expect(asked.at(-1)).toEqual({ thread: id, order: 'desc', limit: 1 });
  expect((await call('DELETE', `/threads/${id}`)).status).toBe(204);
  expect((await call('GET', '/threads/nonsense')).status).toBe(404);
  expect((await call('GET', `/threads/${id}/messages?order=up`)).status).toBe(400);
});

test('breakers and models', async () => {
  expect(await (await call('GET', '/breakers?state=open')).json()).toMatchObject({ data: [{ target: 'agent/writer', state: 'open' }] });
  expect((await call('GET', '/breakers?state=broken')).status).toBe(400);
  expect(await (await call('GET', '/models')).json()).toMatchObject({ data: [{ id: 'scripted-1' }] });
});

test('all of it stands in the OpenAPI document', async () => {
  const { paths } = (await (await fetch(`${gateway.url}/api/openapi.json`, { headers: { authorization: `Bearer ${key}` } })).json()) as {
    paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
  };
  for (const path of [
    '/api/v1/artifacts/{id}/content',
    '/api/v1/state/{scope}/{key}',
    '/api/v1/threads/{id}/messages',
    '/api/v1/breakers',
    '/api/v1/models',
  ]) {
    expect(paths).toHaveProperty([path]);
  }
  expect(paths['/api/v1/artifacts']!['post']!.requestBody!.content).toEqual({ '*/*': { schema: { type: 'string', format: 'binary' } } });
});
