import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteWorkflowRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteWorkflowReply {}

/** Takes a workflow away: nothing more can be started by its name. Its runs go on and stay. */
export const deleteWorkflow = defineContract({
  subject: 'sb.execution.workflow.delete',
  request: DeleteWorkflowRequest,
  reply: DeleteWorkflowReply,
  permission: 'workflows:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
