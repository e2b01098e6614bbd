import type { Readable } from 'node:stream';
import { Controller, Post, Query, Req, Res } from '@nestjs/common';
import { IsOptional, Matches } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { chunkBytes, chunksOf, sendChunks } from '@signalbox/shared/bus/stream.js';
import { artifactNamePattern, stepKeyPattern, type Artifact, type ArtifactFacts } from '@signalbox/shared/contracts/context/artifact.js';
import { beginUpload } from '@signalbox/shared/contracts/context/begin-upload.js';
import { finishUpload } from '@signalbox/shared/contracts/context/finish-upload.js';
import { putArtifact } from '@signalbox/shared/contracts/context/put-artifact.js';
import { writeChunk } from '@signalbox/shared/contracts/context/write-chunk.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { IdempotencyKey } from '../../platform/idempotency-key.ts';
import { Operation } from '../../platform/operation.ts';
import { uploadedType } from './uploads.ts';

class CreateArtifactQuery {
  /** A file's name, without a folder. */
  @Matches(artifactNamePattern) name!: string;
  /** The run that it belongs to. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
  /** The step's key in that run. */
  @IsOptional() @Matches(stepKeyPattern) step?: string;
}

@Controller('api/v1/artifacts')
export class CreateArtifactRoute {
  constructor(private readonly bus: Bus) {}

  @Post()
  @Operation(putArtifact, {
    summary: 'Keep an artifact',
    description:
      'The body is its content, of any type and up to the limit of `context` (64 MiB unless set otherwise); `Content-Type` is its media type.',
    query: CreateArtifactQuery,
    consumes: '*/*',
    status: 201,
  })
  async handle(
    @Query() query: CreateArtifactQuery,
    @IdempotencyKey() idempotencyKey: string | undefined,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Artifact> {
    const facts: ArtifactFacts = { ...query, mediaType: uploadedType(request), ...(idempotencyKey !== undefined && { idempotencyKey }) };
    const made = await this.keep(facts, request, caller);
    reply.header('location', `/api/v1/artifacts/${made.id}`);
    return made;
  }

  /** What fits a message goes in one; all else in parts, of which a few are in memory at a time. */
  private async keep(facts: ArtifactFacts, request: FastifyRequest, caller: Caller): Promise<Artifact> {
    const source = chunksOf((request.body as Readable | undefined) ?? []);
    const first = await read(source);
    if (!first || first.byteLength < chunkBytes) {
      return this.bus.request(
        putArtifact,
        { ...facts, content: (first ?? Buffer.alloc(0)).toString('base64'), encoding: 'base64' },
        caller,
      );
    }
    const announced = Number(request.headers['content-length']);
    const { upload } = await this.bus.request(
      beginUpload,
      { ...facts, ...(Number.isSafeInteger(announced) && { size: announced }) },
      caller,
    );
    const chunks = await sendChunks(rest(first, source), (chunk) => this.bus.request(writeChunk, { upload, ...chunk }, caller));
    return this.bus.request(finishUpload, { upload, chunks }, caller);
  }
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
