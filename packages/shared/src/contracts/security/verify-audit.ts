import { IsBoolean, IsInt, IsOptional, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';

export class VerifyAuditRequest {}

export class VerifyAuditReply {
  @IsBoolean() intact!: boolean;
  /** How many entries were checked. */
  @IsInt() entries!: number;
  /** Signed places of the chain, noted outside the database, that it was compared with. */
  @IsInt() checkpoints!: number;
  /** Hash of the last entry: keep it elsewhere, and a chain that is cut or built anew shows. Empty: no entry. */
  @Matches(/^(?:[0-9a-f]{64})?$/) head!: string;
  /** The first entry that is wrong, and what is. */
  @IsOptional() @IsInt() brokenAt?: number;
  @IsOptional() @IsString() because?: string;
}

/** Walks the workspace's audit from its first entry and checks each link. */
export const verifyAudit = defineContract({
  subject: 'sb.security.audit.verify',
  request: VerifyAuditRequest,
  reply: VerifyAuditReply,
  permission: 'audit:read',
  callers: ['api-gateway'],
  timeoutMs: 60_000,
  maxBytes: 64,
  idempotent: true,
});
