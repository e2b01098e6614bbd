import { Type } from 'class-transformer';
import { IsArray, IsIn, IsISO8601, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { AuditEntry } from './audit-entry.ts';

export class ListAuditRequest extends PageRequest {
  @IsOptional() @IsString() @MaxLength(128) principal?: string;
  /** One action, `agent.apply`, or all of a resource, `agent.*`. */
  @IsOptional() @Matches(/^[a-z][a-z-]*\.(?:\*|[a-z][a-z-]*)$/) @MaxLength(64) action?: string;
  @IsOptional() @IsIn(['allowed', 'denied']) outcome?: 'allowed' | 'denied';
  /** Not before, not after. */
  @IsOptional() @IsISO8601({ strict: true }) since?: string;
  @IsOptional() @IsISO8601({ strict: true }) until?: string;
}

export class ListAuditReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => AuditEntry) data!: AuditEntry[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The workspace's audit, the newest first; `q` looks into targets and names. */
export const listAudit = defineContract({
  subject: 'sb.security.audit.list',
  request: ListAuditRequest,
  reply: ListAuditReply,
  permission: 'audit:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
});
