import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsNumber, IsOptional, IsString, Matches, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';

/** Entries of one message; what is more comes in the next. */
export const measuresMax = 500;

/** How the attempts of one instance went that ended since the message before. */
export class InstanceMeasure {
  @Matches(namePattern) agent!: string;
  @IsString() @MaxLength(128) instance!: string;
  /** Of the agent, where a rollout chose one. */
  @IsOptional() @IsInt() @Min(1) version?: number;
  @IsInt() @Min(0) succeeded!: number;
  @IsInt() @Min(0) failed!: number;
  /** Of all that ended, together, in milliseconds. */
  @IsNumber() @Min(0) totalMs!: number;
}

/** Durations are counted by ranges, each a fifth wider than the one before: range `b` ends at `1.2 ** b` milliseconds. */
export const durationRangesMax = 100;

/** How the attempts of one version went that rollouts had chosen, since the message before. */
export class VersionMeasure {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) version!: number;
  @IsInt() @Min(0) succeeded!: number;
  @IsInt() @Min(0) failed!: number;
  /** Of all that ended, together, in milliseconds. */
  @IsNumber() @Min(0) totalMs!: number;
  @IsNumber() @Min(0) costUsd!: number;
  /** How many took so long, by range. */
  @IsArray() @ArrayMaxSize(durationRangesMax) @IsInt({ each: true }) @Min(0, { each: true }) durations!: number[];
}

/** The range that a duration in milliseconds belongs to. */
export function durationRange(ms: number): number {
  return ms <= 1 ? 0 : Math.min(durationRangesMax - 1, Math.ceil(Math.log(ms) / Math.log(1.2)));
}

/** A task that something is the matter with. */
export class TaskFault {
  @Matches(idPattern('run')) run!: string;
  @IsString() @MaxLength(128) step!: string;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) attempt!: number;
  @IsString() @MaxLength(1_000) detail!: string;
}

export class InstancesMeasured {
  @IsArray() @ArrayMaxSize(measuresMax) @ValidateNested({ each: true }) @Type(() => InstanceMeasure) instances!: InstanceMeasure[];
  /** Where a version is being rolled out. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(measuresMax)
  @ValidateNested({ each: true })
  @Type(() => VersionMeasure)
  versions?: VersionMeasure[];
  /** Tasks whose executors were lost one after the other. */
  @IsArray() @ArrayMaxSize(measuresMax) @ValidateNested({ each: true }) @Type(() => TaskFault) poison!: TaskFault[];
  /** Attempts that did not begin, since they would have gone beyond a budget. */
  @IsArray() @ArrayMaxSize(measuresMax) @ValidateNested({ each: true }) @Type(() => TaskFault) overBudget!: TaskFault[];
}

/** How workers do, from one owner of runs: several times a second while they do something. */
export const instancesMeasured = defineEvent({
  subject: 'sb.live.execution.instance.measured',
  payload: InstancesMeasured,
  listeners: ['registry'],
});
