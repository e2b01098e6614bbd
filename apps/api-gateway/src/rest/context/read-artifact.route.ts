import { Readable } from 'node:stream';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { chunkBytes, receiveChunks } from '@signalbox/shared/bus/stream.js';
import { getArtifact } from '@signalbox/shared/contracts/context/get-artifact.js';
import { readChunk } from '@signalbox/shared/contracts/context/read-chunk.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Operation } from '../../platform/operation.ts';
import { requireArtifactId } from './artifact-id.ts';

@Controller('api/v1/artifacts')
export class ReadArtifactRoute {
  constructor(private readonly bus: Bus) {}

  /** Whatever is in it: a browser that opens the address downloads a file, and runs nothing. */
  @Get(':id/content')
  @Operation(readChunk, {
    summary: "An artifact's content",
    description: 'Always as an attachment. `If-None-Match` with its ETag answers 304: the content of an artifact never changes.',
    produces: 'application/octet-stream',
  })
  async handle(
    @Param('id') id: string,
    @FromCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const artifact = requireArtifactId(id);
    const { name, mediaType, size, sha256 } = await this.bus.request(getArtifact, { artifact }, caller);
    const etag = `"${sha256}"`;
    reply.header('etag', etag);
    if (request.headers['if-none-match'] === etag) {
      await reply.status(304).send();
      return;
    }
    reply.headers({
      'content-type': mediaType,
      'content-length': String(size),
      'content-disposition': attachment(name),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    });
    const parts = receiveChunks(Math.ceil(size / chunkBytes), (index) => this.bus.request(readChunk, { artifact, index }, caller));
    await reply.send(Readable.from(parts, { objectMode: false }));
  }
}

/** A file to be saved under this name (RFC 6266), with a plain one for old clients. */
function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
