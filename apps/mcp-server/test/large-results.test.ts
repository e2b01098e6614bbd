import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { fixtureSpec, type McpServerService, startMcpServer } from './service.ts';

const upload = newId('upload');
const artifact = newId('artifact');
const parts: Buffer[] = [];
let mcp: McpServerService;
beforeAll(async () => {
  mcp = await startMcpServer({ MESSAGE_MAX_BYTES: String(2 * 1024 * 1024) });
  await mcp.apply('good', fixtureSpec('good'));
  await mcp.ready('good');
});
afterAll(() => mcp[Symbol.asyncDispose]());

test('without the service that keeps artifacts, a result that is too large is a clear fault', async () => {
  await expect(mcp.call('good', 'big', { bytes: 600_000 })).rejects.toMatchObject({
    code: 'limited',
    detail: expect.stringMatching(
      /^the result of good\/big is too large: it has 600000 bytes, and it could not be kept as an artifact: context/,
    ),
  });
});

test('a result that no message can hold becomes an artifact of the caller', async () => {
  await mcp.service.answer(beginUpload, ({ name, mediaType, size }) => {
    expect({ name, mediaType, size }).toEqual({ name: 'big-result.txt', mediaType: 'text/plain; charset=utf-8', size: 1_000_000 });
    return { upload, credit: 4 };
  });
  await mcp.service.answer(writeChunk, ({ index, data }) => {
    parts[index] = Buffer.from(data, 'base64');
    return { credit: 4 };
  });
  await mcp.service.answer(finishUpload, ({ chunks, sha256 }) => {
    expect(chunks).toBe(4);
    expect(sha256).toBe(createHash('sha256').update(Buffer.concat(parts)).digest('hex'));
    return {
      id: artifact,
      name: 'big-result.txt',
      mediaType: 'text/plain; charset=utf-8',
      size: 1_000_000,
      sha256: sha256!,
      run: null,
      step: null,
      createdAt: new Date().toISOString(),
      createdBy: 'user_test',
    };
  });
  const reply = await mcp.call('good', 'big', { bytes: 1_000_000 });
  expect(reply).toMatchObject({
    isError: false,
    content: [{ type: 'text' }, { type: 'resource_link', uri: `artifact://${artifact}`, name: 'big-result.txt', size: 1_000_000 }],
    meta: { 'signalbox.dev/artifact': artifact },
  });
});

test('A50 an answer over the message limit fails its call alone, or, where nobody can say whose it was, starts the server anew', async () => {
  await expect(mcp.call('good', 'big', { bytes: 5_000_000 })).rejects.toMatchObject({
    code: 'limited',
    detail: expect.stringContaining('more than 2097152 bytes'),
  });
  expect((await mcp.get('good')).restarts).toBe(0);
  const other = mcp.call('good', 'sleep', { ms: 3_000 });
  await expect(mcp.call('good', 'big', { bytes: 5_000_000 })).rejects.toMatchObject({ code: 'unavailable' });
  await expect(other).rejects.toMatchObject({ code: 'unavailable' });
  await expect(mcp.call('good', 'echo', { text: 'again' })).resolves.toMatchObject({ isError: false });
});
