import { Type } from 'class-transformer';
import { IsIn, IsInt, IsNumber, IsOptional, IsString, MaxLength, Min, ValidateNested } from 'class-validator';
import { faultStatus, type FaultCode } from '../../errors/fault.ts';
import { Opaque } from '../../bus/opaque.ts';

/** Codes of what failed in a run: those of faults, and `rejected` by a person. */
export type FailureCode = FaultCode | 'rejected';
export const failureCodes: readonly FailureCode[] = [...(Object.keys(faultStatus) as FaultCode[]), 'rejected'];

/** Why a task, step or run failed. */
export class Failure {
  @IsIn(failureCodes) code!: FailureCode;
  @IsString() @MaxLength(8_192) detail!: string;
  /** What to do about it. */
  @IsOptional() @IsString() @MaxLength(2_048) next?: string;
  /** The failing side asks not to be tried again before, in milliseconds. */
  @IsOptional() @IsInt() @Min(0) retryAfterMs?: number;
}

/** Tokens and money that a task used. */
export class Usage {
  @IsInt() @Min(0) inputTokens!: number;
  @IsInt() @Min(0) outputTokens!: number;
  @IsNumber() @Min(0) costUsd!: number;
}

/** How a task ended: an output, or an error. */
export class TaskResult {
  /** Any JSON value. Absent with an error. */
  @IsOptional() @Opaque() output?: unknown;
  @IsOptional() @ValidateNested() @Type(() => Failure) error?: Failure;
  @IsOptional() @ValidateNested() @Type(() => Usage) usage?: Usage;
}
