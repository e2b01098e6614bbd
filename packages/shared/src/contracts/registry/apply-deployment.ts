import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { DeploymentSummary } from './deployment.ts';

export class ApplyDeploymentRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyDeploymentReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => DeploymentSummary) resource!: DeploymentSummary;
}

/** Creates a deployment or replaces its manifest; steps that keep their name and source keep their state. It starts nothing. */
export const applyDeployment = defineContract({
  subject: 'sb.registry.deployment.apply',
  request: ApplyDeploymentRequest,
  reply: ApplyDeploymentReply,
  permission: 'deployments:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 262_144,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
