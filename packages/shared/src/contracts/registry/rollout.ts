import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { EvalInterval } from './eval.ts';
import { GateMetric } from './gate.ts';
import { rolloutStatuses, rolloutStrategies, stickByPattern, type RolloutStatus, type RolloutStrategy } from './rollout-terms.ts';

/** How much goes to the new version, and for how long at least. */
export class RolloutStep {
  /** Of all calls, from 0 to 1. */
  @IsNumber() @Min(0) @Max(1) share!: number;
  /** Beside the share: all calls of runs that have these labels. */
  @IsOptional() @IsObject() labels?: Record<string, string>;
  /** Of the calls that the stable version has, so many go to the new one as well, from 0 to 1, and nothing but its answer comes of them; none if absent. */
  @IsOptional() @IsNumber() @Min(0) @Max(1) mirror?: number;
  @IsInt() @Min(0) holdMs!: number;
  /** Then a person has to say that it goes on. */
  @IsOptional() @IsBoolean() pause?: boolean;
}

/** What bounds the calls that are mirrored. */
export class RolloutMirror {
  /** On each replica of execution. */
  @IsInt() @Min(1) @Max(1_000) perSecond!: number;
  @IsInt() @Min(1) @Max(64) inFlight!: number;
  /** What they may cost together; then no more are mirrored. */
  @IsNumber() @Min(0) budgetUsd!: number;
}

/** How a version is rolled out, with all that its manifest left out. */
export class RolloutPlan {
  @IsIn(rolloutStrategies) strategy!: RolloutStrategy;
  @IsArray() @ValidateNested({ each: true }) @Type(() => RolloutStep) steps!: RolloutStep[];
  @IsArray() @ValidateNested({ each: true }) @Type(() => GateMetric) measures!: GateMetric[];
  /** Suites that are put to the new version when it begins. */
  @IsOptional() @IsArray() @Matches(namePattern, { each: true }) evals?: string[];
  /** Where some step mirrors calls. */
  @IsOptional() @ValidateNested() @Type(() => RolloutMirror) mirror?: RolloutMirror;
  /** Graders of both answers, as eval suites have them. */
  @IsOptional() @IsArray() @ArrayMaxSize(10) @IsObject({ each: true }) @Opaque() compare?: object[];
  /** Calls of the new version within a step before it is judged; mirrored calls before what is measured of them is. */
  @IsInt() @Min(1) calls!: number;
  @Matches(stickByPattern) stickBy!: string;
  /** What follows when a measure does not hold. */
  @IsIn(['rollback', 'pause']) onFailure!: 'rollback' | 'pause';
}

/** How the calls of one version went. */
export class RolloutFigures {
  @IsInt() @Min(1) version!: number;
  @IsInt() @Min(0) calls!: number;
  @IsInt() @Min(0) failed!: number;
  /** Absent where there were no calls. */
  @IsOptional() @IsNumber() errorRate?: number;
  @IsOptional() @IsNumber() latencyP95Ms?: number;
  @IsOptional() @IsNumber() latencyMeanMs?: number;
  /** Of one call on the average. */
  @IsOptional() @IsNumber() costUsd?: number;
}

/** What one version made of the calls that both had. */
export class MirrorFigures {
  @IsInt() @Min(1) version!: number;
  /** Absent where there were no calls. */
  @IsOptional() @IsNumber() errorRate?: number;
  /** Of the answers, those that are as the skill promises. */
  @IsOptional() @IsNumber() valid?: number;
  @IsOptional() @IsNumber() p50Ms?: number;
  @IsOptional() @IsNumber() p95Ms?: number;
  @IsOptional() @IsNumber() meanMs?: number;
  @IsOptional() @IsNumber() costUsd?: number;
}

/** What a grader says of both versions, of the newest pairs. */
export class MirrorScore {
  @IsString() grader!: string;
  @IsInt() @Min(1) pairs!: number;
  @IsNumber() stable!: number;
  @IsNumber() candidate!: number;
  /** Of the new version's score less the stable one's, pair by pair: with 95 %. */
  @ValidateNested() @Type(() => EvalInterval) change!: EvalInterval;
  /** How likely as large a change would be by chance. */
  @IsNumber() pValue!: number;
}

/** How the calls went that both versions had, since the rollout began. */
export class MirrorResult {
  @IsInt() @Min(0) pairs!: number;
  /** Calls that were to be mirrored and were not, or of which nothing can be said. */
  @IsInt() @Min(0) skipped!: number;
  /** Of the pairs with two answers, those with the same; absent where there are none. */
  @IsOptional() @IsNumber() equal?: number;
  @ValidateNested() @Type(() => MirrorFigures) stable!: MirrorFigures;
  @ValidateNested() @Type(() => MirrorFigures) candidate!: MirrorFigures;
  @IsArray() @ArrayMaxSize(10) @ValidateNested({ each: true }) @Type(() => MirrorScore) scores!: MirrorScore[];
  /** What the calls to the new version have cost together. */
  @IsNumber() totalUsd!: number;
  /** That is as much as they may: no more are mirrored. */
  @IsBoolean() isSpent!: boolean;
}

/** Pairs that are kept of one rollout, and for how many days. */
export const mirrorPairsKept = 50;
export const mirrorPairDays = 7;

/** A call that both versions answered, and not alike. */
export class RolloutPair {
  @IsISO8601() at!: string;
  /** The run whose call it was. */
  @Matches(idPattern('run')) run!: string;
  /** In which way they differ. */
  @IsString() because!: string;
  /** As JSON, cut; what each version answered, or `code: detail`. */
  @IsString() input!: string;
  @IsString() stable!: string;
  @IsString() candidate!: string;
  @IsNumber() stableMs!: number;
  @IsNumber() candidateMs!: number;
}

export const rolloutStandings = ['met', 'failed', 'open'] as const;
/** `open`: it cannot be told yet. */
export type RolloutStanding = (typeof rolloutStandings)[number];

/** How one measure stands. */
export class RolloutCheck {
  @IsString() metric!: string;
  @IsIn(rolloutStandings) standing!: RolloutStanding;
  @IsOptional() @IsNumber() value?: number;
  /** Of the stable version. */
  @IsOptional() @IsNumber() baseline?: number;
  /** What is asked for, and what is found, in words. */
  @IsString() says!: string;
}

/** A version that takes the place of another, step by step. */
export class Rollout {
  @Matches(idPattern('rollout')) id!: string;
  @Matches(namePattern) agent!: string;
  /** The new version, and the one that has the other calls. */
  @IsInt() @Min(1) version!: number;
  @IsInt() @Min(1) stable!: number;
  @IsIn(rolloutStatuses) status!: RolloutStatus;
  /** What it does, or waits for, or how it ended. */
  @IsString() reason!: string;
  @ValidateNested() @Type(() => RolloutPlan) plan!: RolloutPlan;
  /** Which of the steps it is at, from 0. */
  @IsInt() @Min(0) step!: number;
  @IsISO8601() stepSince!: string;
  /** Of the calls, as it is now: 0 while no instance runs the new version. */
  @IsNumber() share!: number;
  /** Of the stable version since the rollout began; of the new one since this step did. */
  @ValidateNested() @Type(() => RolloutFigures) stableFigures!: RolloutFigures;
  @ValidateNested() @Type(() => RolloutFigures) figures!: RolloutFigures;
  /** Where calls were mirrored. */
  @IsOptional() @ValidateNested() @Type(() => MirrorResult) mirror?: MirrorResult;
  /** As of the last look. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => RolloutCheck) checks!: RolloutCheck[];
  @IsString() by!: string;
  @IsString() byName!: string;
  @IsISO8601() createdAt!: string;
  @IsISO8601() updatedAt!: string;
  @IsOptional() @IsISO8601() endedAt?: string;
}

export const rolloutMoves = ['started', 'eval', 'step', 'paused', 'resumed', 'promoted', 'rolled-back', 'superseded'] as const;
export type RolloutMove = (typeof rolloutMoves)[number];

/** Entries that one rollout keeps. */
export const rolloutEntriesMax = 200;

/** One thing that happened in a rollout, with the measures that decided it. */
export class RolloutEntry {
  @IsISO8601() at!: string;
  @IsIn(rolloutMoves) move!: RolloutMove;
  @IsInt() @Min(0) step!: number;
  /** A principal, or `registry`. */
  @IsString() @MaxLength(200) by!: string;
  @IsString() text!: string;
  @IsOptional() @ValidateNested() @Type(() => RolloutFigures) stableFigures?: RolloutFigures;
  @IsOptional() @ValidateNested() @Type(() => RolloutFigures) figures?: RolloutFigures;
  @IsArray() @ArrayMaxSize(20) @ValidateNested({ each: true }) @Type(() => RolloutCheck) checks!: RolloutCheck[];
}
