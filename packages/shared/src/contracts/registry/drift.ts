import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { memberKinds, type MemberKind } from './board.ts';

export const driftAspects = ['missing', 'version', 'replicas', 'state', 'steps', 'changed'] as const;
/**
 * `missing`: it is not there at all; `version`: what runs is of another version; `replicas`: more or fewer run; `state`: it is there and not as
 * wanted; `steps`: steps failed or are not done; `changed`: somebody changed it since the last start.
 */
export type DriftAspect = (typeof driftAspects)[number];

export const driftRepairs = ['start', 'restart', 'again', 'revert'] as const;
/**
 * `start` the deployment; `restart` its processes; make its steps `again`, with what is there now as what is wanted; `revert` a workflow to the
 * definition that is wanted.
 */
export type DriftRepair = (typeof driftRepairs)[number];

/** One thing that is not as the manifest wants it. */
export class DriftItem {
  /** The member's name in the deployment. */
  @Matches(namePattern) member!: string;
  /** What it is; absent: an agent. */
  @IsOptional() @IsIn(memberKinds) kind?: MemberKind;
  @IsIn(driftAspects) aspect!: DriftAspect;
  @IsString() wanted!: string;
  @IsString() actual!: string;
  /** In a sentence. */
  @IsString() because!: string;
  /** What a repair does about it; absent: it can do nothing, `next` says who can. */
  @IsOptional() @IsIn(driftRepairs) repair?: DriftRepair;
  /** What a person does about it. */
  @IsOptional() @IsString() next?: string;
}

/** What is there against what the manifest wants. */
export class Drift {
  @Matches(namePattern) name!: string;
  @IsBoolean() started!: boolean;
  /** Since when there is drift, where that was seen; null: there is none, or the deployment is not started. */
  @IsOptional() @IsISO8601() since!: string | null;
  /** At most 200. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => DriftItem) items!: DriftItem[];
  /** How many more there are. */
  @IsInt() @Min(0) more!: number;
  @IsISO8601() updatedAt!: string;
}
