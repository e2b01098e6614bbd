import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { memberKinds, type MemberKind } from './board.ts';
import { DeploymentSummary } from './deployment.ts';

export class StartDeploymentRequest {
  @Matches(namePattern) name!: string;
  /** Only make the plan. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

/** What a start disturbs beside the deployment itself. */
export class Disturbed {
  /** Tasks that its processes have in hand, which they finish first. */
  @IsInt() @Min(0) tasks!: number;
  /** Other deployments that have the same member and are started. */
  @IsArray() @IsString({ each: true }) deployments!: string[];
}

/** What will happen to one agent or other member. */
export class PlannedAgent {
  @Matches(namePattern) name!: string;
  /** What it is; absent: an agent. */
  @IsOptional() @IsIn(memberKinds) kind?: MemberKind;
  /** Agents of the same wave come up side by side; a wave begins as its agents' dependencies are there. */
  @IsInt() @Min(1) wave!: number;
  /** `look`: its service is asked whether it is there; `run`: its command is run. */
  @IsIn(['start', 'restart', 'keep', 'report', 'look', 'run']) action!: 'start' | 'restart' | 'keep' | 'report' | 'look' | 'run';
  /** In words: what is started, what is waited for, what is disturbed. */
  @IsString() because!: string;
  @IsArray() @IsString({ each: true }) dependsOn!: string[];
  /** Absent: it disturbs nothing. */
  @IsOptional() @ValidateNested() @Type(() => Disturbed) disturbs?: Disturbed;
}

export class StartDeploymentReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => PlannedAgent) plan!: PlannedAgent[];
  @ValidateNested() @Type(() => DeploymentSummary) resource!: DeploymentSummary;
}

/**
 * Brings a deployment up, in order of its dependencies; the answer is the plan, the board and events show how it goes. Started already: what
 * failed is tried again and what is well stays. The deployment acts with the rights of who started it.
 */
export const startDeployment = defineContract({
  subject: 'sb.registry.deployment.start',
  request: StartDeploymentRequest,
  reply: StartDeploymentReply,
  permission: 'deployments:start',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
