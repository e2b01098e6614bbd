import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { roles, type Role } from '../../identity/roles.ts';
import { Principal } from './principal.ts';

export const namedPrincipalKinds = ['user', 'service-account'] as const;

export class NewPrincipal {
  /** Agents become principals when they get their first key: see `createKey`. */
  @IsIn(namedPrincipalKinds) kind!: (typeof namedPrincipalKinds)[number];
  @IsString() @MinLength(1) @MaxLength(100) name!: string;
  /** None that the caller does not have. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(roles.length) @ArrayUnique() @IsIn(roles, { each: true }) roles!: Role[];
}

export class CreatePrincipalRequest extends NewPrincipal {
  /** The same again by the same caller within a day gives the same principal; with another request, `conflict`. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(128) idempotencyKey?: string;
}

/** Makes a user or a service account. `conflict` when one of this kind has the name, `forbidden` for rights above the caller's. */
export const createPrincipal = defineContract({
  subject: 'sb.security.principal.create',
  request: CreatePrincipalRequest,
  reply: Principal,
  permission: 'principals:write',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 2_048,
  idempotent: false,
  errors: ['conflict'],
});
