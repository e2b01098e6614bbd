import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsISO8601,
  IsNumber,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { breakerStates, type BreakerState } from './agent.ts';
import { stages, type Stage } from './stage.ts';
import { deploymentStatuses, Eta, stepSources, stepStates, type DeploymentStatus, type StepSource, type StepState } from './deployment.ts';

export const boardStatuses = ['active', 'ready', 'waiting', 'parallel', 'starting', 'degraded', 'isolated', 'failed', 'done'] as const;
/**
 * Computed, never typed in. `ready`: all it needs is there; `waiting`: something is not (see `waitingFor`); `parallel`: it needs nothing and can
 * start; `starting`: begun by a runner, no step done; `active`: a step is done or reported begun; `degraded`: done, but not wholly well, or an agent that
 * it needs is isolated, or it lacks what it declares to go on without; `isolated`: done, and kept out of routing.
 */
export type BoardStatus = (typeof boardStatuses)[number];

export const memberKinds = ['agent', 'mcp-server', 'workflow', 'secret', 'context-store', 'migration'] as const;
/** What a member of a deployment is. */
export type MemberKind = (typeof memberKinds)[number];

export const boardPriorities = ['critical', 'high', 'medium'] as const;
/** From slack: none; less than a quarter of what remains; more. */
export type BoardPriority = (typeof boardPriorities)[number];

export const importances = ['critical', 'high', 'medium', 'low'] as const;
export type Importance = (typeof importances)[number];

/** One thing that an agent waits for. */
export class WaitingFor {
  /** A member of the deployment, or what is missing: `service:bus`, `mcp-server:files`, `agent:analyst` (its manifest), `secret:token`, `workflow:research`. */
  @IsString() on!: string;
  /** In words: what is the matter with it. */
  @IsString() because!: string;
}

export const whenMissings = ['wait', 'degrade', 'stop'] as const;
/** How what is up lives without something that it needs: not at all otherwise than before; it goes on, and says so; it is taken out of routing. */
export type WhenMissing = (typeof whenMissings)[number];

/** One thing that what is up goes on without, or is taken out of routing for. */
export class Lack {
  /** As in `dependsOn`. */
  @IsString() on!: string;
  /** In words: what is the matter with it. */
  @IsString() because!: string;
  /** `degrade` or `stop`, as the deployment declares. */
  @IsIn(whenMissings) then!: WhenMissing;
}

/** One step of an agent on the board; `GET /deployments/{name}` says all of it. */
export class BoardStep {
  @Matches(namePattern) name!: string;
  @IsIn(stepSources) source!: StepSource;
  @IsIn(stepStates) state!: StepState;
  @IsOptional() @IsString() note?: string;
}

/** One agent, or another member, on the board. */
export class BoardAgent {
  @Matches(namePattern) name!: string;
  /** The registered agent behind it, or for a member of another kind what it is there: both may have another name. */
  @Matches(namePattern) agent!: string;
  /** What it is; absent: an agent. */
  @IsOptional() @IsIn(memberKinds) kind?: MemberKind;
  @IsIn(boardStatuses) status!: BoardStatus;
  /** Why it is failed, degraded or not further, in a sentence. */
  @IsOptional() @IsString() statusReason?: string;
  /** Weighted share of its steps that is done, 0 to 1. */
  @IsNumber() @Min(0) @Max(1) progress!: number;
  /** Empty on a board that would not fit into one message with them. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => BoardStep) steps!: BoardStep[];
  @IsArray() @IsString({ each: true }) dependsOn!: string[];
  @IsArray() @ValidateNested({ each: true }) @Type(() => WaitingFor) waitingFor!: WaitingFor[];
  /** What it lacks of what it declares how to live without; absent: nothing. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => Lack) lacks?: Lack[];
  /** Of the whole of it, without what it waits for: low and high, in days. */
  @IsArray() @ArrayMinSize(2) @ArrayMaxSize(2) @IsNumber({}, { each: true }) estimateDays!: [number, number];
  /** From now until it is done, what it waits for included; null when done. */
  @IsOptional() @ValidateNested() @Type(() => Eta) eta!: Eta | null;
  /** Null when done. */
  @IsOptional() @IsIn(boardPriorities) priority!: BoardPriority | null;
  /** How much a person says that it matters, in the manifest. */
  @IsOptional() @IsIn(importances) importance?: Importance;
  /** How long it may slip without moving the end, in days at the midpoints of the estimates; null when done. */
  @IsOptional() @IsNumber() slackDays!: number | null;
  /** It is not done and has no slack. */
  @IsBoolean() critical!: boolean;
  @IsOptional() @IsIn(breakerStates) breaker?: BreakerState;
  /** The last stage that the registered agent's current version is at; absent: none. */
  @IsOptional() @IsIn(stages) stage?: Stage;
}

export const boardActions = ['repair', 'start', 'finish', 'prepare', 'complete'] as const;
/** `repair` what failed, `start` what can, `finish` a step of what is active, `prepare` for what comes, `complete` a target of the week. */
export type BoardAction = (typeof boardActions)[number];

export const boardWithins = ['now', '24h', '72h', 'week'] as const;
export type BoardWithin = (typeof boardWithins)[number];

/** Something to do next. */
export class NextAction {
  @IsIn(boardActions) action!: BoardAction;
  @Matches(namePattern) agent!: string;
  /** In words. */
  @IsString() because!: string;
  /** What waits for this agent. */
  @IsArray() @IsString({ each: true }) unblocks!: string[];
  @IsIn(boardWithins) within!: BoardWithin;
}

/** How a deployment stands and what to do next. */
export class Board {
  @Matches(namePattern) name!: string;
  @IsIn(deploymentStatuses) status!: DeploymentStatus;
  @IsNumber() @Min(0) @Max(1) progress!: number;
  /** Until all is done, in days at the midpoints of the estimates. */
  @IsNumber() remainingDays!: number;
  /** Until all is done; null when it is. */
  @IsOptional() @ValidateNested() @Type(() => Eta) eta!: Eta | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => BoardAgent) agents!: BoardAgent[];
  /** What remains of one longest path, the first in order of names. */
  @IsArray() @IsString({ each: true }) criticalPath!: string[];
  @IsArray() @ValidateNested({ each: true }) @Type(() => NextAction) nextActions!: NextAction[];
  @IsISO8601() updatedAt!: string;
}
