import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';

export class ListWorkflowVersionsRequest extends PageRequest {
  @Matches(namePattern) name!: string;
}

/** What a workflow was from one change to the next. */
export class WorkflowVersion {
  @IsInt() @Min(1) version!: number;
  /** Of its definition: two versions have the same where only labels or description were changed, or it was reverted. */
  @IsString() hash!: string;
  @IsBoolean() current!: boolean;
  @IsInt() @Min(0) steps!: number;
  /** Which version it was reverted to. */
  @IsOptional() @IsInt() @Min(1) revertedTo?: number;
  /** Who applied it; empty for what was applied before this was kept. */
  @IsString() createdBy!: string;
  @IsISO8601() createdAt!: string;
}

export class ListWorkflowVersionsReply {
  @Opaque() @IsArray() @Type(() => WorkflowVersion) data!: WorkflowVersion[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** What a workflow was, the newest first. The last 200 versions are kept. */
export const listWorkflowVersions = defineContract({
  subject: 'sb.execution.workflow.list-versions',
  request: ListWorkflowVersionsRequest,
  reply: ListWorkflowVersionsReply,
  permission: 'workflows:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
