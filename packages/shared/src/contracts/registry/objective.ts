import { IsIn, IsInt, IsISO8601, IsNumber, IsObject, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { kpiNames, type KpiName } from './kpi-names.ts';

/** What a KPI of a workspace, or of one agent, is to be. */
export class Objective {
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsIn(kpiNames) kpi!: KpiName;
  /** Of this agent alone; absent: of the workspace. */
  @IsOptional() @Matches(namePattern) agent?: string;
  /** Milliseconds, a share or a ratio: see `Kpi.target`. */
  @IsNumber() @Min(0) target!: number;
  /** Of what has a duration or a ratio: the share that must lie within the target. */
  @IsOptional() @IsNumber() @Min(0) @Max(1) within?: number;
  /** Counts the changes of the manifest. */
  @IsInt() @Min(0) version!: number;
  @IsOptional() @IsISO8601() updatedAt?: string;
}
