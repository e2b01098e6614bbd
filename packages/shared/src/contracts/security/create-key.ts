import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { roles, scopePattern, type Role } from '../../identity/roles.ts';
import { idPattern } from '../../ids/ids.ts';
import { Key } from './key.ts';
import { principalPattern } from './principal.ts';

/** An agent of the registry, as a principal. */
export class AgentPrincipal {
  /** The agent's id in the registry. */
  @Matches(idPattern('agent')) id!: string;
  @IsString() @MinLength(1) @MaxLength(100) name!: string;
}

const tenYearsS = 10 * 365 * 86_400;

export class NewKey {
  /** What the key is for. */
  @IsString() @MinLength(1) @MaxLength(100) name!: string;

  /** Whom it speaks for; absent (and no `agent`): the caller. */
  @IsOptional() @Matches(principalPattern) principal?: string;

  /** Instead of `principal`: the agent that it speaks for, with the role `agent`; it becomes a principal if it is none yet. */
  @IsOptional() @ValidateNested() @Type(() => AgentPrincipal) agent?: AgentPrincipal;

  /** Fewer rights than the principal's roles give, for a key that another program holds; absent: the principal's own, also when they change. */
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(roles.length) @ArrayUnique() @IsIn(roles, { each: true }) roles?: Role[];

  /** Narrows the roles; absent or empty: it does not. A caller whose own key is narrowed must narrow at least as much. */
  @IsOptional() @IsArray() @ArrayMaxSize(64) @ArrayUnique() @Matches(scopePattern, { each: true }) scopes?: string[];

  /** Seconds from now; absent: it does not expire. */
  @IsOptional() @IsInt() @Min(1) @Max(tenYearsS) expiresInS?: number;
}

export class CreateKeyRequest extends NewKey {
  /** The same again by the same caller within a day makes no second key: `conflict` names the first, which is shown once. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(128) idempotencyKey?: string;
}

export class CreateKeyReply extends Key {
  /** `sbx_<id>_<256 bits in base 62>_<check>`: shown here and never again. */
  @Matches(/^sbx_/) key!: string;
}

/**
 * Makes an API key. Rights never grow: the key's roles and scopes must be within the principal's and the caller's own. Who is no administrator makes
 * keys only for itself and for agents.
 */
export const createKey = defineContract({
  subject: 'sb.security.key.create',
  request: CreateKeyRequest,
  reply: CreateKeyReply,
  permission: 'keys:create',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 2_000,
  maxBytes: 8_192,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
