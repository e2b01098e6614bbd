import { IsInt, IsOptional, IsString, Matches, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class FindSecretRequest {
  /** A live identity for the asking service: its workspace is where the secret is looked for. */
  @IsString() @MaxLength(4_096) identity!: string;
  @Matches(namePattern) name!: string;
}

export class FindSecretReply {
  /** Counts its values; null: the workspace has no secret of this name. */
  @IsOptional() @IsInt() @Min(1) version!: number | null;
}

/** Whether a secret is there for who could have its value resolved: without the value, and without counting as a use. */
export const findSecret = defineContract({
  subject: 'sb.security.secret.find',
  request: FindSecretRequest,
  reply: FindSecretReply,
  permission: 'none',
  callers: ['registry'],
  timeoutMs: 2_000,
  maxBytes: 8_192,
  idempotent: true,
  identity: 'service',
});
