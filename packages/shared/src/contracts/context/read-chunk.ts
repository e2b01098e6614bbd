import { IsInt, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Chunk } from '../../bus/stream.ts';
import { idPattern } from '../../ids/ids.ts';

export class ReadChunkRequest {
  @Matches(idPattern('artifact')) artifact!: string;
  @IsInt() @Min(0) index!: number;
}

export class ReadChunkReply extends Chunk {}

/** One part of an artifact's content: there are `ceil(size / chunkBytes)`. See `receiveChunks` in `bus/stream.ts`. */
export const readChunk = defineContract({
  subject: 'sb.context.artifact.read-chunk',
  request: ReadChunkRequest,
  reply: ReadChunkReply,
  permission: 'artifacts:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server', 'registry'],
  timeoutMs: 10_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
