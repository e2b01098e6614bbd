import { IsInt, IsOptional, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Artifact } from './artifact.ts';

export class FinishUploadRequest {
  @Matches(idPattern('upload')) upload!: string;
  /** How many parts were sent. */
  @IsInt() @Min(0) chunks!: number;
  /** What the sender counted: another content is refused. */
  @IsOptional() @Matches(/^[0-9a-f]{64}$/) sha256?: string;
}

export class FinishUploadReply extends Artifact {}

/** Makes an artifact of the parts that were sent. `invalid` when one is missing or the hash differs. */
export const finishUpload = defineContract({
  subject: 'sb.context.artifact.finish-upload',
  request: FinishUploadRequest,
  reply: FinishUploadReply,
  permission: 'artifacts:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 30_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
});
