import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

export class DeleteArtifactRequest {
  @Matches(idPattern('artifact')) artifact!: string;
}

export class DeleteArtifactReply {}

/** Takes an artifact away, and its content where no other artifact of the workspace has the same. */
export const deleteArtifact = defineContract({
  subject: 'sb.context.artifact.delete',
  request: DeleteArtifactRequest,
  reply: DeleteArtifactReply,
  permission: 'artifacts:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
