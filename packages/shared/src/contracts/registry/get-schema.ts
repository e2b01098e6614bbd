import { IsIn, IsObject } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';

export const manifestKinds = [
  'Agent',
  'Deployment',
  'StepReport',
  'Gate',
  'Objective',
  'EvalSuite',
  'Channel',
  'NotificationRule',
] as const;
/** Kinds of manifests that the registry takes. */
export type ManifestKind = (typeof manifestKinds)[number];

export class GetSchemaRequest {
  @IsIn(manifestKinds) kind!: ManifestKind;
}

export class GetSchemaReply {
  @IsObject() @Opaque() schema!: Record<string, unknown>;
}

/** The JSON Schema (draft 2020-12) that manifests of a kind are checked against. */
export const getSchema = defineContract({
  subject: 'sb.registry.schema.get',
  request: GetSchemaRequest,
  reply: GetSchemaReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 1_000,
  maxBytes: 256,
  idempotent: true,
});
