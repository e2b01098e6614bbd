import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { chunkBytes, chunksOf, sendChunks } from '@signalbox/shared/bus/stream.js';
import type { Artifact, ArtifactFacts } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** Keeps the body of an upload as an artifact. What fits a message goes in one; all else in parts, of which a few are in memory at a time. */
export async function keepArtifact(bus: Bus, facts: ArtifactFacts, request: FastifyRequest, caller: Caller): Promise<Artifact> {
  const source = chunksOf((request.body as Readable | undefined) ?? []);
  const first = await read(source);
  if (!first || first.byteLength < chunkBytes) {
    return bus.request(putArtifact, { ...facts, content: (first ?? Buffer.alloc(0)).toString('base64'), encoding: 'base64' }, caller);
  }
  const announced = Number(request.headers['content-length']);
  const { upload } = await bus.request(beginUpload, { ...facts, ...(Number.isSafeInteger(announced) && { size: announced }) }, caller);
  const chunks = await sendChunks(rest(first, source), (chunk) => bus.request(writeChunk, { upload, ...chunk }, caller));
  return bus.request(finishUpload, { upload, chunks }, caller);
}

/** The next part, null at the end. A client that goes in the middle ends it. */
async function read(source: AsyncGenerator<Buffer>): Promise<Buffer | null> {
  try {
    const { done, value } = await source.next();
    return done ? null : value;
  } catch (cause) {
    throw new Fault('cancelled', 'the body ended before it was whole', 'Send it again.', { cause });
  }
}

async function* rest(first: Buffer, source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let part = await read(source); part !== null; part = await read(source)) yield part;
}
