import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsISO8601,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { failureCodes, type FailureCode } from './failure.ts';
import { runStatuses, type RunStatus } from './run-view.ts';

/** What has become of a failed run: nobody has looked after it, it was done again in another run, or somebody put it aside. */
export const runProblems = ['open', 'replayed', 'dismissed'] as const;
export type RunProblem = (typeof runProblems)[number];

/** What runs must meet, as a query has it too. */
export class RunConditions {
  /** A workflow's name, or `agent/<name>`. */
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
  /** An agent that a step of the run names, as its own or as its fallback. */
  @IsOptional() @Matches(namePattern) agent?: string;
  /** Started at or after. */
  @IsOptional() @IsISO8601({ strict: true }) startedAfter?: string;
  /** Started before. */
  @IsOptional() @IsISO8601({ strict: true }) startedBefore?: string;
  /** Ended at or after; live runs have not. */
  @IsOptional() @IsISO8601({ strict: true }) endedAfter?: string;
  /** Ended before. */
  @IsOptional() @IsISO8601({ strict: true }) endedBefore?: string;
  /** US dollars, at least. */
  @IsOptional() @Type(() => Number) @IsNumber() @Min(0) @Max(1e9) costMin?: number;
  @IsOptional() @Type(() => Number) @IsNumber() @Min(0) @Max(1e9) costMax?: number;
  /** Milliseconds from start to end, at least; live runs have none yet. */
  @IsOptional() @Type(() => Number) @IsNumber() @Min(0) @Max(1e12) durationMinMs?: number;
  @IsOptional() @Type(() => Number) @IsNumber() @Min(0) @Max(1e12) durationMaxMs?: number;
  /** The code of the failure that ended the run, or of a step's that it went on from. */
  @IsOptional() @IsIn(failureCodes) errorCode?: FailureCode;
  /** The step that failed, without the index of an item; empty: the run failed at none. */
  @IsOptional() @IsString() @MaxLength(64) failedStep?: string;
  /** Runs with a failure that no other run started, by what has become of it. */
  @IsOptional() @IsIn(runProblems) problem?: RunProblem;
  /** Words that must be found in its workflow, labels, starter or error. */
  @IsOptional() @IsString() @MaxLength(200) q?: string;
}

/** Which runs are meant: those that meet all that is given. */
export class RunFilter extends RunConditions {
  /** Any of these; all if absent. */
  @IsOptional() @IsArray() @ArrayMaxSize(6) @IsIn(runStatuses, { each: true }) status?: RunStatus[];
  /** Labels that a run must have, all of them. */
  @IsOptional() @IsObject() labels?: Record<string, string>;
}

export const runSorts = ['newest', 'oldest', 'ended', 'cost', 'duration'] as const;
/** `ended`, `cost` and `duration`: the last, dearest and longest first, and only runs that have one. */
export type RunSort = (typeof runSorts)[number];
