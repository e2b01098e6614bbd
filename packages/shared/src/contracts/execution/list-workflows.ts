import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { WorkflowView } from './workflow-view.ts';
import { Opaque } from '../../bus/opaque.ts';

export class ListWorkflowsRequest extends PageRequest {}

export class ListWorkflowsReply {
  @Opaque() @IsArray() @Type(() => WorkflowView) data!: WorkflowView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Workflows in the order of their names. */
export const listWorkflows = defineContract({
  subject: 'sb.execution.workflow.list',
  request: ListWorkflowsRequest,
  reply: ListWorkflowsReply,
  permission: 'workflows:read',
  callers: ['api-gateway', 'mcp-server'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
