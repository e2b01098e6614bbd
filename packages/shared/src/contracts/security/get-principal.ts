import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Principal, principalPattern } from './principal.ts';

export class GetPrincipalRequest {
  @Matches(principalPattern) id!: string;
}

/** One principal of the workspace. */
export const getPrincipal = defineContract({
  subject: 'sb.security.principal.get',
  request: GetPrincipalRequest,
  reply: Principal,
  permission: 'principals:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 256,
  idempotent: true,
  errors: ['not_found'],
});
