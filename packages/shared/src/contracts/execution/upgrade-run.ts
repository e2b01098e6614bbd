import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { ManifestChange } from './apply-workflow.ts';
import { RunView } from './run-view.ts';
import { shardOfRun } from './task-id.ts';
import { hashPattern } from '../registry/agent.ts';

export class UpgradeRunRequest {
  @Matches(idPattern('run')) run!: string;

  /** `sha256:…` of a definition of the run's workflow; absent: the one that the workflow has now. */
  @IsOptional() @Matches(hashPattern) hash?: string;

  /** Only says what would happen. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

/** A place where the run does not fit the definition. */
export class UpgradeObstacle {
  /** The step's key; null: the run as a whole. */
  @IsOptional() @IsString() step!: string | null;
  @IsString() because!: string;
}

/** `upgraded`: it goes by the definition now; `unchanged`: it did so before. After a dry run `possible` or `impossible`. */
export const upgradeOutcomes = ['upgraded', 'unchanged', 'possible', 'impossible'] as const;
export type UpgradeOutcome = (typeof upgradeOutcomes)[number];

export class UpgradeRunReply {
  @IsIn(upgradeOutcomes) outcome!: UpgradeOutcome;
  @IsString() from!: string;
  @IsString() to!: string;
  /** Every place that does not fit; empty unless `impossible`. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => UpgradeObstacle) obstacles!: UpgradeObstacle[];
  /** Steps that have begun and are different now: they go on as they began. */
  @IsArray() @IsString({ each: true }) asBegun!: string[];
  /** How the definitions differ, at most 200 places. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => ManifestChange) changes!: ManifestChange[];
  @ValidateNested() @Type(() => RunView) run!: RunView;
}

/**
 * Has a live run go on by another definition of its workflow: what has begun stays as it began, what has not is as the new one says. `conflict` with
 * each place that does not fit.
 */
export const upgradeRun = defineContract({
  subject: 'sb.execution.run.upgrade',
  request: UpgradeRunRequest,
  reply: UpgradeRunReply,
  permission: 'runs:write',
  callers: ['api-gateway', 'execution'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found', 'conflict'],
  shardOf: ({ run }) => shardOfRun(run),
});
