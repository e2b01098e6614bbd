import { IsIn, IsObject, IsOptional } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';

/** Kinds of manifests that execution keeps. */
export const executionKinds = ['Workflow', 'Schedule', 'Trigger'] as const;
export type ExecutionKind = (typeof executionKinds)[number];

export class GetWorkflowSchemaRequest {
  /** Workflow if absent. */
  @IsOptional() @IsIn(executionKinds) kind?: ExecutionKind;
}

export class GetWorkflowSchemaReply {
  @IsObject() @Opaque() schema!: Record<string, unknown>;
}

/** The JSON Schema (draft 7) that manifests of a kind are checked against. */
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
