import { IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Secret, secretMaxBytes, secretMinLength } from './secret.ts';

export class SetSecretBody {
  /** Its new value: 8 characters to 64 KiB of UTF-8, any but NUL. */
  @IsString()
  @MinLength(secretMinLength)
  @MaxLength(secretMaxBytes)
  @Matches(/^[^\0]*$/, { message: 'must not hold a NUL' })
  value!: string;

  /** What it is for; absent: it stays as it is. */
  @IsOptional() @IsString() @MaxLength(500) description?: string;
}

export class SetSecretRequest extends SetSecretBody {
  @Matches(namePattern) name!: string;
}

/** Makes a secret, or gives it another value: what uses it gets the new one. The same again changes nothing. `limited` past 500 in a workspace. */
export const setSecret = defineContract({
  subject: 'sb.security.secret.set',
  request: SetSecretRequest,
  reply: Secret,
  permission: 'secrets:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 6 * secretMaxBytes + 4_096, // a control character has six bytes in JSON
  idempotent: true,
  errors: ['limited'],
});
