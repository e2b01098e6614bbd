import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
} from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { roles, type Role } from '../../identity/roles.ts';
import { Principal, principalPattern } from './principal.ts';

/** What is absent stays as it is. */
export class UpdatePrincipalRequest {
  @Matches(principalPattern) id!: string;
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) name?: string;
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(roles.length) @ArrayUnique() @IsIn(roles, { each: true }) roles?: Role[];
  @IsOptional() @IsBoolean() disabled?: boolean;
}

/**
 * Changes a principal. Other roles end its browser sessions and what was traded for its keys, so that the change is felt at once. `conflict`
 * when nobody would be left to administer the workspace.
 */
export const updatePrincipal = defineContract({
  subject: 'sb.security.principal.update',
  request: UpdatePrincipalRequest,
  reply: Principal,
  permission: 'principals:write',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 2_048,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
