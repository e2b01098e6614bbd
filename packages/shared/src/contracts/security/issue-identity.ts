import { IsArray, IsIn, IsInt, IsString, IsUUID, MaxLength } from 'class-validator';
import { defineContract, serviceNames, type ServiceName } from '../../bus/contract.ts';
import { roles, type Role } from '../../identity/roles.ts';

/** What an identity can be traded for. `key` and `session` only by the gateway; `token`: an identity for the asking service itself. */
export const credentialKinds = ['key', 'session', 'token', 'grant'] as const;
export type CredentialKind = (typeof credentialKinds)[number];

export class IssueIdentityRequest {
  @IsIn(credentialKinds) kind!: CredentialKind;

  @IsString() @MaxLength(4096) credential!: string;

  /** The service that the identity is for. */
  @IsIn(serviceNames) audience!: ServiceName;
}

export class IssueIdentityReply {
  /** A JWT signed with EdDSA, for at most 60 s. */
  @IsString() token!: string;

  /** Epoch milliseconds. */
  @IsInt() expiresAt!: number;

  @IsUUID() workspace!: string;

  @IsString() principal!: string;

  @IsString() name!: string;

  @IsArray() @IsIn(roles, { each: true }) roles!: Role[];

  @IsArray() @IsString({ each: true }) scopes!: string[];

  /** What names the credential in revocations: `key_…`, a session's id, a grant. */
  @IsString() credentialId!: string;
}

/** Trades a credential for a short-lived signed identity. `unauthenticated` when it is unknown, expired or revoked: one answer for all. */
export const issueIdentity = defineContract({
  subject: 'sb.security.identity.issue',
  request: IssueIdentityRequest,
  reply: IssueIdentityReply,
  permission: 'none',
  callers: serviceNames,
  timeoutMs: 2_000,
  maxBytes: 8_192,
  idempotent: true,
  identity: 'service',
});
