import { IsArray, IsObject } from 'class-validator';
import { defineContract, serviceNames } from '../../bus/contract.ts';

export class GetSigningKeysRequest {}

export class GetSigningKeysReply {
  /** Public keys as JWK (RFC 7517), the newest first. */
  @IsArray() @IsObject({ each: true }) keys!: Record<string, unknown>[];
}

/** The public keys that identities are signed with. */
export const getSigningKeys = defineContract({
  subject: 'sb.security.signing-keys.get',
  request: GetSigningKeysRequest,
  reply: GetSigningKeysReply,
  permission: 'none',
  callers: serviceNames,
  timeoutMs: 2_000,
  maxBytes: 64,
  idempotent: true,
  identity: 'service',
});
