import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Artifact, ArtifactFacts } from './artifact.ts';

export class PutArtifactRequest extends ArtifactFacts {
  /** The whole content. What does not fit a message is uploaded: see `begin-upload`. */
  @IsString() @MaxLength(500_000) content!: string;

  /** How `content` holds the bytes: `utf8` (default) or `base64`. */
  @IsOptional() @IsIn(['utf8', 'base64']) encoding?: 'utf8' | 'base64';
}

export class PutArtifactReply extends Artifact {}

/** Keeps a small artifact in one message. `conflict`: the idempotency key was used for something else. */
export const putArtifact = defineContract({
  subject: 'sb.context.artifact.put',
  request: PutArtifactRequest,
  reply: PutArtifactReply,
  permission: 'artifacts:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 5_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  errors: ['conflict', 'limited'],
});
