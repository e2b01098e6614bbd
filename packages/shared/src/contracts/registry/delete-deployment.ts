import { IsInt, IsOptional, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteDeploymentRequest {
  @Matches(namePattern) name!: string;
  /** The version last seen; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(1) expectedVersion?: number;
}

export class DeleteDeploymentReply {
  @Matches(namePattern) name!: string;
}

/** Forgets a deployment and its steps. `conflict` while it is started. */
export const deleteDeployment = defineContract({
  subject: 'sb.registry.deployment.delete',
  request: DeleteDeploymentRequest,
  reply: DeleteDeploymentReply,
  permission: 'deployments:write',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
