import { IsInt, IsOptional, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { ChunkReply } from '../../bus/stream.ts';
import { idPattern } from '../../ids/ids.ts';
import { ArtifactFacts } from './artifact.ts';

export class BeginUploadRequest extends ArtifactFacts {
  /** How many bytes will come, where that is known: too many are refused before they are sent. */
  @IsOptional() @IsInt() @Min(0) size?: number;
}

export class BeginUploadReply extends ChunkReply {
  @Matches(idPattern('upload')) upload!: string;
}

/**
 * Begins an artifact of any size: its parts follow by `write-chunk` (see `bus/stream.ts`), then `finish-upload`. What is not finished within an
 * hour is forgotten. `limited`: too large, or too many uploads are open.
 */
export const beginUpload = defineContract({
  subject: 'sb.context.artifact.begin-upload',
  request: BeginUploadRequest,
  reply: BeginUploadReply,
  permission: 'artifacts:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 5_000,
  maxBytes: 8_192,
  idempotent: false,
  errors: ['limited'],
});
