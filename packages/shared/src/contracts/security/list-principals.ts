import { Type } from 'class-transformer';
import { IsArray, IsIn, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { Principal, principalKinds, type PrincipalKind } from './principal.ts';

export class ListPrincipalsRequest extends PageRequest {
  @IsOptional() @IsIn(principalKinds) kind?: PrincipalKind;
}

export class ListPrincipalsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Principal) data!: Principal[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The workspace's principals, the newest first; `q` looks into names. */
export const listPrincipals = defineContract({
  subject: 'sb.security.principal.list',
  request: ListPrincipalsRequest,
  reply: ListPrincipalsReply,
  permission: 'principals:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
