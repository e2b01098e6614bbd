import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class RemoveSecretRequest {
  @Matches(namePattern) name!: string;
}

export class RemoveSecretReply {
  @Matches(namePattern) name!: string;
}

/** Forgets a secret with its value. What names it fails from then on, and says so. */
export const removeSecret = defineContract({
  subject: 'sb.security.secret.remove',
  request: RemoveSecretRequest,
  reply: RemoveSecretReply,
  permission: 'secrets:write',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 512,
  idempotent: false,
  errors: ['not_found'],
});
