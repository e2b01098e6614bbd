import { IsArray, IsIn, IsOptional, IsString, IsUUID } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { anyCaller } from '../../identity/caller.ts';
import { roles, type Role } from '../../identity/roles.ts';

export class WhoAmIRequest {}

export class WhoAmIReply {
  @IsUUID() workspace!: string;
  /** `user_…`, `sa_…` or `agent_…`. */
  @IsString() principal!: string;
  @IsString() name!: string;
  @IsArray() @IsIn(roles, { each: true }) roles!: Role[];
  /** What the key narrows the roles to; empty: it does not. */
  @IsArray() @IsString({ each: true }) scopes!: string[];
  /** `key_…` or `sess_…`: what the request came with. */
  @IsOptional() @IsString() credential?: string;
}

/** Who the key or session speaks for: the gateway knows it already. */
export const whoAmI = defineContract({
  subject: 'sb.api-gateway.caller.get',
  request: WhoAmIRequest,
  reply: WhoAmIReply,
  permission: anyCaller,
  callers: [],
  timeoutMs: 1_000,
  maxBytes: 64,
  idempotent: true,
});
