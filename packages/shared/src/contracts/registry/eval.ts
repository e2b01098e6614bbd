import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsISO8601, IsNumber, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { Usage } from '../execution/failure.ts';
import { stages, type Stage } from './stage.ts';

export const evalStatuses = ['running', 'succeeded', 'failed', 'cancelled'] as const;
/** `succeeded`: every answer was graded, however well; `failed`: it could not be told how good the version is. */
export type EvalStatus = (typeof evalStatuses)[number];

/** A figure, and between which values it lies with the confidence of the eval. */
export class EvalInterval {
  @IsNumber() value!: number;
  @IsNumber() low!: number;
  @IsNumber() high!: number;
}

/** How one grader judged on the average. */
export class EvalGraderScore {
  @IsString() grader!: string;
  @IsNumber() score!: number;
  /** Of an agent that grades: which version of it did. */
  @IsOptional() @IsInt() @Min(1) version?: number;
}

export const evalVerdicts = ['better', 'worse', 'same'] as const;
/** `same`: the difference may be chance. */
export type EvalVerdict = (typeof evalVerdicts)[number];

/** The version against another, or against what was recorded, case by case. */
export class EvalComparison {
  /** The eval of the other version; absent: the others are what was recorded. */
  @IsOptional() @Matches(idPattern('eval')) eval?: string;
  @IsOptional() @IsInt() @Min(1) version?: number;
  /** Where that version was. */
  @IsOptional() @IsIn(stages) stage?: Stage;
  /** What the others score. */
  @IsNumber() before!: number;
  /** How much more this version scores. */
  @ValidateNested() @Type(() => EvalInterval) change!: EvalInterval;
  /** How likely such a difference would be by chance, from 0 to 1. */
  @IsNumber() pValue!: number;
  @IsIn(evalVerdicts) verdict!: EvalVerdict;
}

/** What an eval found out. Scores and rates are from 0 to 1. */
export class EvalResult {
  @ValidateNested() @Type(() => EvalInterval) score!: EvalInterval;
  @ValidateNested() @Type(() => EvalInterval) passRate!: EvalInterval;
  /** Those that were graded. */
  @IsInt() attempts!: number;
  @IsInt() passed!: number;
  /** Attempts that the agent itself failed. */
  @IsInt() errors!: number;
  /** Of recorded runs that were done again: those that asked what was not recorded. They are in no other figure. */
  @IsOptional() @IsInt() diverged?: number;
  /** Of calls that succeeded, in milliseconds; absent where none did. */
  @IsOptional() @IsNumber() latencyP50Ms?: number;
  @IsOptional() @IsNumber() latencyP95Ms?: number;
  /** Of the agent; graders are not counted. */
  @ValidateNested() @Type(() => Usage) usage!: Usage;
  @IsArray() @ValidateNested({ each: true }) @Type(() => EvalGraderScore) graders!: EvalGraderScore[];
  /** Absent: there is nothing to compare with; `note` says why, or why it says little. */
  @IsOptional() @ValidateNested() @Type(() => EvalComparison) comparison?: EvalComparison;
  @IsOptional() @IsString() note?: string;
}

/** A suite put to one version of an agent. */
export class Eval {
  @Matches(idPattern('eval')) id!: string;
  @Matches(namePattern) suite!: string;
  @IsInt() @Min(1) suiteVersion!: number;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) version!: number;
  @IsIn(evalStatuses) status!: EvalStatus;
  /** Why it failed or was cancelled. */
  @IsOptional() @IsString() reason?: string;
  /** The run that makes the calls: cancelling it cancels the eval. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
  @IsInt() cases!: number;
  @IsInt() repeats!: number;
  /** How sure the intervals are, as 0.95. */
  @IsNumber() confidence!: number;
  /** The stage whose version it is compared with. */
  @IsIn(stages) against!: Stage;
  @IsOptional() @ValidateNested() @Type(() => EvalResult) result?: EvalResult;
  @IsOptional() @Matches(idPattern('evidence')) evidence?: string;
  @IsString() by!: string;
  @IsString() byName!: string;
  @IsISO8601() createdAt!: string;
  @IsOptional() @IsISO8601() endedAt?: string;
}
