import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { WorkflowView } from './workflow-view.ts';

export class RestoreWorkflowRequest {
  @Matches(namePattern) name!: string;
}

export class RestoreWorkflowReply extends WorkflowView {}

/** New runs get the workflow itself again. Where capacity is short, it is scaled back again once that has lasted as long as the workflow says. */
export const restoreWorkflow = defineContract({
  subject: 'sb.execution.workflow.restore',
  request: RestoreWorkflowRequest,
  reply: RestoreWorkflowReply,
  permission: 'workflows:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
