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
  Min,
  ValidateNested,
} from 'class-validator';
import { namePattern } from '../../ids/ids.ts';
import { roles, type Role } from '../../identity/roles.ts';
import { metricPattern, metricWords } from './metric-name.ts';
import { stages, type Stage } from './stage.ts';

/** What one metric must reach; all that is said must hold. */
export class GateMetric {
  @Matches(metricPattern, metricWords) metric!: string;
  @IsOptional() @IsNumber() min?: number;
  @IsOptional() @IsNumber() max?: number;
  /** How far it may lie above that of the version at the stage now, as a share of it: 0.1 is a tenth. */
  @IsOptional() @IsNumber() @Min(0) maxRise?: number;
  /** How far it may lie below, likewise. */
  @IsOptional() @IsNumber() @Min(0) @Max(1) maxFall?: number;
  /** Beside `maxRise` and `maxFall`: a difference that means nothing, in the metric's own unit. */
  @IsOptional() @IsNumber() @Min(0) slack?: number;
}

/** Who must agree. Neither who asks for the promotion nor the same person twice counts. */
export class GateApprovals {
  @IsInt() @Min(1) @Max(10) count!: number;
  @IsArray() @ArrayMaxSize(roles.length) @IsIn(roles, { each: true }) roles!: Role[];
}

/** What a version of an agent needs to get to a stage. */
export class Gate {
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsArray() @IsIn(stages, { each: true }) stages!: Stage[];
  /** For these agents alone; absent: for all. */
  @IsOptional() @IsArray() @IsString({ each: true }) agents?: string[];
  /** The gate that it stands in for, where it applies. */
  @IsOptional() @IsString() replaces?: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => GateMetric) metrics!: GateMetric[];
  @IsOptional() @ValidateNested() @Type(() => GateApprovals) approvals?: GateApprovals;
  /** How old evidence and approvals may be. */
  @IsInt() @Min(1) evidenceDays!: number;
  /** Whether it is there without anybody having applied it. */
  @IsBoolean() builtIn!: boolean;
  /** Counts the changes of the manifest; 0 where it is built in. */
  @IsInt() @Min(0) version!: number;
  @IsOptional() @IsISO8601() updatedAt?: string;
}
