import { Type } from 'class-transformer';
import { Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { DeploymentSummary } from './deployment.ts';

export class StopDeploymentRequest {
  @Matches(namePattern) name!: string;
}

export class StopDeploymentReply {
  @ValidateNested() @Type(() => DeploymentSummary) resource!: DeploymentSummary;
}

/** Stops what the local runner started for it, and leaves no child; what others started goes on. Stopped already: nothing happens. */
export const stopDeployment = defineContract({
  subject: 'sb.registry.deployment.stop',
  request: StopDeploymentRequest,
  reply: StopDeploymentReply,
  permission: 'deployments:start',
  callers: ['api-gateway'],
  timeoutMs: 15_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
