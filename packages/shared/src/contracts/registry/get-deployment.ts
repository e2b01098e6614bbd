import { Type } from 'class-transformer';
import { IsArray, IsISO8601, IsObject, IsOptional, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { DeploymentStep, DeploymentSummary } from './deployment.ts';

export class GetDeploymentRequest {
  @Matches(namePattern) name!: string;
}

export class GetDeploymentReply extends DeploymentSummary {
  /** The manifest as it was applied. */
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  @IsArray() @ValidateNested({ each: true }) @Type(() => DeploymentStep) steps!: DeploymentStep[];
  @IsOptional() @IsISO8601() startedAt?: string;
}

/** One deployment with its manifest and the state of every step. */
export const getDeployment = defineContract({
  subject: 'sb.registry.deployment.get',
  request: GetDeploymentRequest,
  reply: GetDeploymentReply,
  permission: 'deployments:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
