import { IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { WorkflowView } from './workflow-view.ts';

export class ScaleBackWorkflowRequest {
  @Matches(namePattern) name!: string;

  /** Why, for those who find it so. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(500) reason?: string;
}

export class ScaleBackWorkflowReply extends WorkflowView {}

/** New runs get the smaller workflow that this one names, until somebody restores it. Runs that are under way go on. */
export const scaleBackWorkflow = defineContract({
  subject: 'sb.execution.workflow.scale-back',
  request: ScaleBackWorkflowRequest,
  reply: ScaleBackWorkflowReply,
  permission: 'workflows:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
