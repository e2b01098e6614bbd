import { IsBoolean, IsOptional, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Key } from './key.ts';

export class RevokeKeyRequest {
  @Matches(idPattern('key')) id!: string;

  /** Also what was started with it loses its rights: runs and deployments act by grants, which outlive the key otherwise. */
  @IsOptional() @IsBoolean() withGrants?: boolean;
}

/** Ends a key and its browser sessions at once, everywhere within 5 s. Revoking it again changes nothing. */
export const revokeKey = defineContract({
  subject: 'sb.security.key.revoke',
  request: RevokeKeyRequest,
  reply: Key,
  permission: 'keys:revoke',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 2_000,
  maxBytes: 512,
  idempotent: true,
  errors: ['not_found'],
});
