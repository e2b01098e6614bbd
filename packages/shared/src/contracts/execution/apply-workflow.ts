import { Type } from 'class-transformer';
import {
  Allow,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { WorkflowView } from './workflow-view.ts';
import { Opaque } from '../../bus/opaque.ts';
import { hashPattern } from '../registry/agent.ts';

export class ApplyWorkflowRequest {
  @Matches(namePattern) name!: string;

  /** The manifest as an object; or `source`; or what it was before: `version` or `hash`. */
  @IsOptional() @Opaque() @IsObject() manifest?: Record<string, unknown>;

  /** The manifest as YAML text, of at most 256 KiB: faults then name line and column. */
  @IsOptional() @IsString() @MaxLength(262_144) source?: string;

  /** It becomes what it was at this version. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;

  /** It becomes what it was when its definition had this hash. */
  @IsOptional() @Matches(hashPattern) hash?: string;

  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;

  /** The version last seen; 0: it must not exist yet; absent: whatever is there. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ManifestChange {
  /** Where in the manifest, as `spec.steps.read.needs[0]`. */
  @IsString() path!: string;
  @Opaque() @Allow() from?: unknown;
  @Opaque() @Allow() to?: unknown;
}

export class ApplyWorkflowReply {
  @IsIn(['created', 'updated', 'unchanged']) action!: 'created' | 'updated' | 'unchanged';
  @IsArray() @ValidateNested({ each: true }) @Type(() => ManifestChange) changes!: ManifestChange[];
  @ValidateNested() @Type(() => WorkflowView) resource!: WorkflowView;
}

/** Creates a workflow or replaces its definition; runs that live keep the definition they began with. */
export const applyWorkflow = defineContract({
  subject: 'sb.execution.workflow.apply',
  request: ApplyWorkflowRequest,
  reply: ApplyWorkflowReply,
  permission: 'workflows:write',
  callers: ['api-gateway', 'registry'],
  timeoutMs: 5_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['not_found', 'conflict', 'limited'],
});
