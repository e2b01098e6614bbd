import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { sendChunks } from '@signalbox/shared/bus/stream.js';
import type { Artifact } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import type { TaskCall } from './task.ts';

/** Up to this many bytes go in one message, in base64. */
const oneMessageMax = 256 * 1024;

export interface ArtifactContent {
  name: string;
  mediaType: string;
  bytes: Buffer;
  /** Tells artifacts of one task apart, so that a further attempt makes none of them twice. */
  purpose: string;
}

/** Keeps artifacts of a task at `context`, as its caller. */
@Injectable()
export class ArtifactWriter {
  constructor(private readonly bus: Bus) {}

  async write({ request, ref, caller }: TaskCall, { name, mediaType, bytes, purpose }: ArtifactContent): Promise<Artifact> {
    const facts = {
      name,
      mediaType,
      run: ref.run,
      ...(request.step !== undefined && { step: request.step }),
      idempotencyKey: createHash('sha256').update(`${request.idempotencyKey} ${purpose}`).digest('base64url'),
    };
    if (bytes.length <= oneMessageMax) {
      return this.bus.request(putArtifact, { ...facts, content: bytes.toString('base64'), encoding: 'base64' }, caller);
    }
    const { upload } = await this.bus.request(beginUpload, { ...facts, size: bytes.length }, caller);
    const chunks = await sendChunks([bytes], (chunk) => this.bus.request(writeChunk, { upload, ...chunk }, caller));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return this.bus.request(finishUpload, { upload, chunks, sha256 }, caller);
  }
}
