import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsISO8601, IsInt, IsNumber, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import { kpiNames, kpiUnits, type KpiName, type KpiUnit } from './kpi-names.ts';

/** How fast a budget is used, by a long window and a short one that must agree: 1 uses it up exactly by the end of 30 days. */
export class KpiBurn {
  @IsString() long!: string;
  @IsString() short!: string;
  @IsNumber() @Min(0) longRate!: number;
  @IsNumber() @Min(0) shortRate!: number;
  /** From which rate on people are told. */
  @IsNumber() threshold!: number;
  @IsBoolean() burning!: boolean;
}

export class KpiPoint {
  @IsISO8601() at!: string;
  @IsInt() @Min(0) count!: number;
  /** As the KPI's value; null where nothing was measured. */
  @IsOptional() @IsNumber() value!: number | null;
}

/** One KPI within a window. */
export class Kpi {
  @IsIn(kpiNames) name!: KpiName;
  @IsIn(kpiUnits) unit!: KpiUnit;
  /** How many were measured. */
  @IsInt() @Min(0) count!: number;
  /** How many of them were bad: failed, or beyond the target. */
  @IsInt() @Min(0) bad!: number;
  /** The mean of what was measured, or the share; null: nothing was measured. */
  @IsOptional() @IsNumber() value!: number | null;
  /** Of what has a duration. */
  @IsOptional() @IsNumber() p50!: number | null;
  @IsOptional() @IsNumber() p99!: number | null;
  /** What the value is to be at least (shares that are good) or at most (all others); null: nothing is asked. */
  @IsOptional() @IsNumber() target!: number | null;
  /** The share that must lie within the target; the rest is the error budget. */
  @IsOptional() @IsNumber() within!: number | null;
  /** The Objective that says so; null: as the product promises. */
  @IsOptional() @IsString() objective!: string | null;
  /** Null: nothing is asked, or nothing was measured. */
  @IsOptional() @IsBoolean() met!: boolean | null;
  /** The share of the window's error budget that is left, below 0 where it is overdrawn; null as `met`. */
  @IsOptional() @IsNumber() budgetLeft!: number | null;
  @IsArray() @ValidateNested({ each: true }) @Type(() => KpiBurn) burn!: KpiBurn[];
  @IsArray() @ValidateNested({ each: true }) @Type(() => KpiPoint) points!: KpiPoint[];
}
