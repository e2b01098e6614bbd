import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
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
  Min,
  ValidateNested,
} from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { hashPattern } from './agent.ts';

export const stepSources = ['runner', 'probe', 'contract-test', 'traffic', 'reported'] as const;
/** Who says that a step is done. */
export type StepSource = (typeof stepSources)[number];

export const stepStates = ['pending', 'begun', 'done', 'failed'] as const;
export type StepState = (typeof stepStates)[number];

export const deploymentStatuses = ['ready', 'starting', 'active', 'degraded', 'failed', 'done'] as const;
/** The worst of its agents, in a word: `ready` before anything has begun. */
export type DeploymentStatus = (typeof deploymentStatuses)[number];

/** When something will be done, what it waits for included. */
export class Eta {
  /** Days (of 24 hours) from now: at the low and at the high ends of the estimates. */
  @IsArray() @ArrayMinSize(2) @ArrayMaxSize(2) @IsNumber({}, { each: true }) days!: [number, number];
  /** The moment at the midpoints of the estimates. */
  @IsISO8601() at!: string;
}

/** A deployment in a list. */
export class DeploymentSummary {
  @Matches(idPattern('deployment')) id!: string;
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsIn(deploymentStatuses) status!: DeploymentStatus;
  /** Share of all steps that is done, 0 to 1. */
  @IsNumber() @Min(0) @Max(1) progress!: number;
  /** How many agents and other members there are, and how many are done. */
  @IsInt() agents!: number;
  @IsInt() done!: number;
  /** Null when all is done. */
  @IsOptional() @ValidateNested() @Type(() => Eta) eta!: Eta | null;
  /** Whether it was told to start (and not to stop since). */
  @IsBoolean() started!: boolean;
  /** Counts the changes of the manifest; the ETag that `If-Match` takes. */
  @IsInt() @Min(1) version!: number;
  @Matches(hashPattern) hash!: string;
  @IsISO8601() createdAt!: string;
  @IsISO8601() updatedAt!: string;
}

/** One step of one agent of a deployment. */
export class DeploymentStep {
  @Matches(namePattern) agent!: string;
  @Matches(namePattern) step!: string;
  @IsIn(stepSources) source!: StepSource;
  @IsNumber() weight!: number;
  @IsIn(stepStates) state!: StepState;
  /** How much of it is done, 0 to 1: between its ends only for `traffic`. */
  @IsNumber() @Min(0) @Max(1) fraction!: number;
  /** Why it failed or what it waits for, in a sentence; for a reported step the note that came with it. */
  @IsOptional() @IsString() note?: string;
  /** Who reported it: a principal, or `service:registry`. */
  @IsOptional() @IsString() by?: string;
  @IsOptional() @IsISO8601() begunAt?: string;
  @IsOptional() @IsISO8601() endedAt?: string;
}
