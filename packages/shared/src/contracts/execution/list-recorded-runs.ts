import { Type } from 'class-transformer';
import { Allow, IsArray, IsISO8601, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';

/** The child run that a step of an eval's run asks for in place of a workflow: a recorded run, done again. Its input is `{ run, agent, version, onDivergence }`. */
export const recordedRun = 'recorded-run';

/** A recorded run that is done again is listed under this and the name of its workflow. */
export const counterfactualPrefix = 'counterfactual/';

export class ListRecordedRunsRequest {
  @Matches(namePattern) agent!: string;
  /** Only runs that asked it for this skill, or named none. */
  @IsOptional() @IsString() @MaxLength(128) skill?: string;
  /** Of runs that were started at or after. */
  @IsISO8601({ strict: true }) startedAfter!: string;
  @IsOptional() @IsString() @MaxLength(1_024) cursor?: string;
}

/** A run that can be done again with another version of an agent. */
export class RecordedRun {
  @Matches(idPattern('run')) run!: string;
  @Matches(namePattern) workflow!: string;
  @Opaque() @Allow() input!: unknown;
  @Opaque() @Allow() output!: unknown;
}

export class ListRecordedRunsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RecordedRun) data!: RecordedRun[];
  /** A page may have none and be followed by others: it looks through some runs. */
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Runs of workflows that succeeded and in which an agent answered a step, the newest first. Evals are left out, and what is too large to be done again. */
export const listRecordedRuns = defineContract({
  subject: 'sb.execution.run.list-recorded',
  request: ListRecordedRunsRequest,
  reply: ListRecordedRunsReply,
  permission: 'runs:read',
  callers: ['registry'],
  timeoutMs: 15_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['limited'],
});
