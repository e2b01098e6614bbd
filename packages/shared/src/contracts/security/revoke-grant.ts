import { IsBoolean, IsString, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class RevokeGrantRequest {
  @IsString() @MaxLength(512) grant!: string;
}

export class RevokeGrantReply {
  /** False: there was none of the asking service, or it had ended. */
  @IsBoolean() ended!: boolean;
}

/** Gives a grant back when its run or deployment has ended: only the service that holds it may. */
export const revokeGrant = defineContract({
  subject: 'sb.security.grant.revoke',
  request: RevokeGrantRequest,
  reply: RevokeGrantReply,
  permission: 'none',
  callers: ['registry', 'execution', 'mcp-server', 'protocol'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  identity: 'service',
});
