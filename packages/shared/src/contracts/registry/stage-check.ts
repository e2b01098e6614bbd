import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsISO8601, IsNumber, IsOptional, IsString, ValidateNested } from 'class-validator';
import { stages, type Stage } from './stage.ts';

export const metricStandings = ['met', 'short', 'missing', 'expired', 'no-baseline'] as const;
/** `no-baseline`: it cannot be compared, since nothing is known of the version at the stage now. */
export type MetricStanding = (typeof metricStandings)[number];

/** One metric of a gate against its target. */
export class MetricCheck {
  @IsString() metric!: string;
  @IsIn(metricStandings) standing!: MetricStanding;
  /** In words, as `at least 0.95`. */
  @IsString() target!: string;
  @IsOptional() @IsNumber() value?: number;
  /** How much is missing, in the metric's own unit. */
  @IsOptional() @IsNumber() shortBy?: number;
  /** What the version at the stage now has, where it is compared with that. */
  @IsOptional() @IsInt() baselineVersion?: number;
  @IsOptional() @IsNumber() baseline?: number;
  @IsOptional() @IsString() source?: string;
  @IsOptional() @IsString() evidence?: string;
  @IsOptional() @IsISO8601() expiresAt?: string;
  /** How it stands, in a sentence. */
  @IsString() says!: string;
  /** The command that would supply what lacks. */
  @IsOptional() @IsString() next?: string;
}

export class ApprovalBy {
  @IsString() by!: string;
  @IsString() byName!: string;
  @IsISO8601() at!: string;
}

/** How many of the approvals that a gate asks for are there. */
export class ApprovalsCheck {
  @IsInt() count!: number;
  @IsArray() @IsString({ each: true }) roles!: string[];
  /** Those that count for whoever asks: not their own. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => ApprovalBy) given!: ApprovalBy[];
  @IsBoolean() met!: boolean;
  @IsString() says!: string;
}

export class GateCheck {
  @IsString() gate!: string;
  @IsBoolean() passed!: boolean;
  @IsInt() evidenceDays!: number;
  @IsArray() @ValidateNested({ each: true }) @Type(() => MetricCheck) metrics!: MetricCheck[];
  @IsOptional() @ValidateNested() @Type(() => ApprovalsCheck) approvals?: ApprovalsCheck;
}

/** One reason why a version cannot get to a stage, and what to do about it. */
export class Blocker {
  @IsString() because!: string;
  @IsString() next!: string;
}

/** Whether a version may get to a stage. */
export class StageCheck {
  @IsIn(stages) stage!: Stage;
  /** Whether the version is there already. */
  @IsBoolean() held!: boolean;
  @IsBoolean() allowed!: boolean;
  @IsArray() @ValidateNested({ each: true }) @Type(() => GateCheck) gates!: GateCheck[];
  @IsArray() @ValidateNested({ each: true }) @Type(() => Blocker) blockers!: Blocker[];
}
