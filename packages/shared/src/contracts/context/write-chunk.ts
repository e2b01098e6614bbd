import { Matches } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Chunk, ChunkReply } from '../../bus/stream.ts';
import { idPattern } from '../../ids/ids.ts';

export class WriteChunkRequest extends Chunk {
  @Matches(idPattern('upload')) upload!: string;
}

export class WriteChunkReply extends ChunkReply {}

/** One part of an upload. Sent again it replaces itself. `limited`: the artifact grows past its limit. */
export const writeChunk = defineContract({
  subject: 'sb.context.artifact.write-chunk',
  request: WriteChunkRequest,
  reply: WriteChunkReply,
  permission: 'artifacts:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 10_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['not_found', 'limited'],
});
