import { Type } from 'class-transformer';
import { Allow, IsArray, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';

export const evalOutcomes = ['passed', 'failed', 'error', 'diverged'] as const;
/** `error`: the agent failed the call; `diverged`: the run that was done again asked what was not recorded, and says nothing of the agent. */
export type EvalOutcome = (typeof evalOutcomes)[number];

export class ListEvalAttemptsRequest extends PageRequest {
  @Matches(idPattern('eval')) id!: string;
  @IsOptional() @IsIn(evalOutcomes, { each: true }) @IsArray() outcome?: EvalOutcome[];
}

/** How one grader judged one answer. */
export class EvalGrade {
  @IsString() grader!: string;
  /** From 0 to 1. */
  @IsNumber() score!: number;
  @IsOptional() @IsString() reason?: string;
}

/** One case, put once. */
export class EvalAttempt {
  @IsString() case!: string;
  /** Of the repeats of the case, from 1. */
  @IsInt() repeat!: number;
  @IsObject() labels!: Record<string, string>;
  @IsIn(evalOutcomes) outcome!: EvalOutcome;
  @IsNumber() score!: number;
  @IsArray() @ValidateNested({ each: true }) @Type(() => EvalGrade) grades!: EvalGrade[];
  /** Why the agent failed it, or where it diverged. */
  @IsOptional() @IsString() error?: string;
  @IsOptional() @IsInt() durationMs?: number;
  @Opaque() @Allow() input!: unknown;
  /** Absent: the case expects nothing in particular. */
  @IsOptional() @Opaque() expected?: unknown;
  /** As JSON, its first 2,000 characters. */
  @IsString() output!: string;
  /** The recorded run, done again; absent where it was a call alone. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
}

export class ListEvalAttemptsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => EvalAttempt) data!: EvalAttempt[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The graded attempts of an eval that has ended, in order of the cases; `q` looks into the names of cases. */
export const listEvalAttempts = defineContract({
  subject: 'sb.registry.eval-attempt.list',
  request: ListEvalAttemptsRequest,
  reply: ListEvalAttemptsReply,
  permission: 'evals:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
