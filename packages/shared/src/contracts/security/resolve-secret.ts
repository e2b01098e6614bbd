import { IsInt, IsString, Matches, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class ResolveSecretRequest {
  /** A live identity for the asking service: its workspace is where the secret is looked for. */
  @IsString() @MaxLength(4_096) identity!: string;
  @Matches(namePattern) name!: string;
}

export class ResolveSecretReply {
  @IsInt() @Min(1) version!: number;
  @IsString() value!: string;
}

/**
 * The value of a secret, for the service that makes the call which needs it. Services alone may ask: no key, session or role of anybody opens it.
 * `not_found` when the workspace has none of this name.
 */
export const resolveSecret = defineContract({
  subject: 'sb.security.secret.resolve',
  request: ResolveSecretRequest,
  reply: ResolveSecretReply,
  permission: 'none',
  callers: ['mcp-server', 'protocol', 'registry', 'execution'],
  timeoutMs: 2_000,
  maxBytes: 8_192,
  idempotent: true,
  identity: 'service',
  errors: ['not_found'],
});
