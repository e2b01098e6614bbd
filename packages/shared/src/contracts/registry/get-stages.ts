import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { stages, type Stage } from './stage.ts';
import { StageCheck } from './stage-check.ts';

export class GetStagesRequest {
  @Matches(namePattern) agent!: string;
  /** The version whose gates are looked at; absent: the current one. */
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
}

/** Which version is at a stage. */
export class StageHolder {
  @IsIn(stages) stage!: Stage;
  @IsInt() version!: number;
  @IsISO8601() since!: string;
  @IsString() by!: string;
  @IsString() byName!: string;
}

export const stageMoves = ['promoted', 'demoted', 'approved'] as const;
export type StageMoveKind = (typeof stageMoves)[number];

/** What was done to the stages of an agent. */
export class StageMove {
  @IsIn(stageMoves) move!: StageMoveKind;
  @IsIn(stages) stage!: Stage;
  @IsInt() version!: number;
  @IsString() by!: string;
  @IsString() byName!: string;
  @IsOptional() @IsString() reason?: string;
  @IsISO8601() at!: string;
}

export class GetStagesReply {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) version!: number;
  @IsInt() @Min(1) current!: number;
  /** Stages that have a version, in their order. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => StageHolder) holders!: StageHolder[];
  /** Every stage, in order: whether the version may get there, if the caller asked. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => StageCheck) checks!: StageCheck[];
  /** The last 50, the newest first. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => StageMove) history!: StageMove[];
}

/** Which versions of an agent are at which stage, and what a version lacks for each. */
export const getStages = defineContract({
  subject: 'sb.registry.stage.get',
  request: GetStagesRequest,
  reply: GetStagesReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
