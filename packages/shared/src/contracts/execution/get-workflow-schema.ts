import { IsObject } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';

export class GetWorkflowSchemaRequest {}

export class GetWorkflowSchemaReply {
  @IsObject() @Opaque() schema!: Record<string, unknown>;
}

/** The JSON Schema (draft 7) that manifests of kind Workflow are checked against. */
export const getWorkflowSchema = defineContract({
  subject: 'sb.execution.schema.get',
  request: GetWorkflowSchemaRequest,
  reply: GetWorkflowSchemaReply,
  permission: 'workflows:read',
  callers: ['api-gateway'],
  timeoutMs: 1_000,
  maxBytes: 256,
  idempotent: true,
});
