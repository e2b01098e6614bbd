import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';
import { approvalStatuses, ApprovalView, type ApprovalStatus } from './approval-view.ts';

export class ListApprovalsRequest extends PageRequest {
  /** Any of these; all if absent. */
  @IsOptional() @IsArray() @ArrayMaxSize(5) @IsIn(approvalStatuses, { each: true }) status?: ApprovalStatus[];
  /** Only those that the caller may answer, or has answered. */
  @IsOptional() @IsBoolean() mine?: boolean;
  @IsOptional() @Matches(idPattern('run')) run?: string;
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
}

export class ListApprovalsReply {
  @Opaque() @IsArray() @Type(() => ApprovalView) data!: ApprovalView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Approvals, the newest first. */
export const listApprovals = defineContract({
  subject: 'sb.execution.approval.list',
  request: ListApprovalsRequest,
  reply: ListApprovalsReply,
  permission: 'approvals:read',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
