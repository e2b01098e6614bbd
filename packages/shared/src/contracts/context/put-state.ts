import { IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { StateAddress } from './state.ts';

export class PutStateRequest extends StateAddress {
  /** Any JSON value, at most 256 KiB encoded. */
  @IsOptional() @Opaque() value: unknown;

  /** The version last seen; 0: the key must not exist yet; absent: overwrite. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;

  /** The same key again by the same principal gives the version that it wrote, as long as that is kept. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class PutStateReply {
  @IsInt() @Min(1) version!: number;
}

/** Writes one key of shared state. `conflict` when `expectedVersion` is not the current one. */
export const putState = defineContract({
  subject: 'sb.context.state.put',
  request: PutStateRequest,
  reply: PutStateReply,
  permission: 'state:write',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  errors: ['conflict', 'limited'],
});
