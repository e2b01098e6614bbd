import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Artifact } from './artifact.ts';

export class GetArtifactRequest {
  @Matches(idPattern('artifact')) artifact!: string;
}

export class GetArtifactReply extends Artifact {}

/** An artifact without its content, which is read by `read-chunk`. */
export const getArtifact = defineContract({
  subject: 'sb.context.artifact.get',
  request: GetArtifactRequest,
  reply: GetArtifactReply,
  permission: 'artifacts:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server', 'registry'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
