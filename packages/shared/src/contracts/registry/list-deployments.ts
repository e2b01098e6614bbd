import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { DeploymentSummary, deploymentStatuses, type DeploymentStatus } from './deployment.ts';
import { labelFilterPattern } from './list-agents.ts';

export class ListDeploymentsRequest extends PageRequest {
  @IsOptional() @IsIn(deploymentStatuses) status?: DeploymentStatus;
  /** Only deployments with all of these labels, each as `team=payments`. */
  @IsOptional() @IsArray() @ArrayMaxSize(8) @Matches(labelFilterPattern, { each: true }) labels?: string[];
}

export class ListDeploymentsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => DeploymentSummary) data!: DeploymentSummary[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Deployments in order of their names; `q` looks into name and description. */
export const listDeployments = defineContract({
  subject: 'sb.registry.deployment.list',
  request: ListDeploymentsRequest,
  reply: ListDeploymentsReply,
  permission: 'deployments:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
});
