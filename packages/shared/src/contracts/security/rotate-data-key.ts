import { IsInt, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class RotateDataKeyRequest {}

export class RotateDataKeyReply {
  /** Counts the workspace's data keys, from 1. */
  @IsInt() @Min(1) version!: number;
  /** Secrets that were sealed anew. */
  @IsInt() @Min(0) secrets!: number;
}

/** Makes a new data key for the workspace and seals all of its secrets anew; the key before is forgotten. Values stay as they are. */
export const rotateDataKey = defineContract({
  subject: 'sb.security.data-key.rotate',
  request: RotateDataKeyRequest,
  reply: RotateDataKeyReply,
  permission: 'secrets:write',
  callers: ['api-gateway'],
  timeoutMs: 20_000,
  maxBytes: 256,
  idempotent: false,
});
