import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { DeploymentStep } from './deployment.ts';

export const reportedStates = ['begun', 'done', 'failed'] as const;
export type ReportedState = (typeof reportedStates)[number];

export class ReportStepRequest {
  @Matches(namePattern) deployment!: string;
  /** The agent's name in the deployment. */
  @Matches(namePattern) agent!: string;
  @Matches(namePattern) step!: string;
  @IsIn(reportedStates) state!: ReportedState;
  /** What a person should know of it. */
  @IsOptional() @IsString() @MaxLength(1_000) note?: string;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

export class ReportStepReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => DeploymentStep) resource!: DeploymentStep;
}

/** What CI or a person says of a step whose source is `reported`; attributed and audited. `conflict` for a step of another source. */
export const reportStep = defineContract({
  subject: 'sb.registry.step.report',
  request: ReportStepRequest,
  reply: ReportStepReply,
  permission: 'deployments:report',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 8_192,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
