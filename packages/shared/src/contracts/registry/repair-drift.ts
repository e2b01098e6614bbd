import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { memberKinds, type MemberKind } from './board.ts';
import { DeploymentSummary } from './deployment.ts';
import { DriftItem, driftRepairs, type DriftRepair } from './drift.ts';
import { Disturbed } from './start-deployment.ts';

export class RepairDriftRequest {
  @Matches(namePattern) name!: string;
  /** Only say what would be done. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

/** What is done to one member. */
export class RepairedMember {
  @Matches(namePattern) member!: string;
  /** What it is; absent: an agent. */
  @IsOptional() @IsIn(memberKinds) kind?: MemberKind;
  @IsIn(driftRepairs) repair!: DriftRepair;
  /** In words. */
  @IsString() because!: string;
  /** Absent: it disturbs nothing. */
  @IsOptional() @ValidateNested() @Type(() => Disturbed) disturbs?: Disturbed;
}

export class RepairDriftReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RepairedMember) repairs!: RepairedMember[];
  /** What no repair can do; at most 200. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => DriftItem) left!: DriftItem[];
  @ValidateNested() @Type(() => DeploymentSummary) resource!: DeploymentSummary;
}

/**
 * Puts right what drifted, as far as the registry can: processes of an older version are replaced, steps that failed or were made for something
 * else are made again, a workflow at another hash becomes what it was at the wanted one (with the rights of who asks), what is not started is
 * started. The deployment acts with the rights of who asks from then on. Nothing to do: nothing happens.
 */
export const repairDrift = defineContract({
  subject: 'sb.registry.drift.repair',
  request: RepairDriftRequest,
  reply: RepairDriftReply,
  permission: 'deployments:start',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
