import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { WorkflowView } from './workflow-view.ts';
import { Opaque } from '../../bus/opaque.ts';

export class GetWorkflowRequest {
  @Matches(namePattern) name!: string;
}

export class GetWorkflowReply extends WorkflowView {
  /** As it was applied. */
  @Opaque() @IsObject() manifest!: Record<string, unknown>;
}

/** One workflow with its manifest. */
export const getWorkflow = defineContract({
  subject: 'sb.execution.workflow.get',
  request: GetWorkflowRequest,
  reply: GetWorkflowReply,
  permission: 'workflows:read',
  callers: ['api-gateway', 'mcp-server', 'registry'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
