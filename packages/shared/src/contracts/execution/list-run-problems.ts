import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsISO8601, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';

export class ListRunProblemsRequest extends PageRequest {
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
  /** Only runs that were started at or after. */
  @IsOptional() @IsISO8601({ strict: true }) startedAfter?: string;
}

/** Runs that failed alike, and that nobody has looked after yet. */
export class RunProblemView {
  /** The code of the failure. */
  @IsString() errorCode!: string;
  @IsString() workflow!: string;
  /** The step that failed; null where no step did. */
  @IsOptional() @IsString() failedStep!: string | null;
  @IsInt() count!: number;
  /** When the first and the last of them were started, ISO 8601. */
  @IsString() firstAt!: string;
  @IsString() lastAt!: string;
  @Matches(idPattern('run')) lastRun!: string;
  /** What the last one said. */
  @IsOptional() @IsString() detail!: string | null;
  @IsOptional() @IsString() next!: string | null;
}

export class ListRunProblemsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RunProblemView) data!: RunProblemView[];
  @IsOptional() @IsString() nextCursor!: string | null;
  /** Whether there are more failed runs than the 200,000 that were counted. */
  @IsBoolean() isMore!: boolean;
}

/** Failed runs (and those that went on from a failed step) that were neither done again nor put aside, by reason, the most frequent first. */
export const listRunProblems = defineContract({
  subject: 'sb.execution.run-problem.list',
  request: ListRunProblemsRequest,
  reply: ListRunProblemsReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['limited'],
});
