import { Type } from 'class-transformer';
import { Allow, IsArray, IsISO8601, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';

export class ListCallsRequest {
  @Matches(namePattern) agent!: string;
  /** Only calls of this skill, and those that name none. */
  @IsOptional() @IsString() @MaxLength(128) skill?: string;
  /** Of runs that were started at or after. */
  @IsISO8601({ strict: true }) startedAfter!: string;
  @IsOptional() @IsString() @MaxLength(1_024) cursor?: string;
}

/** A call to an agent that was answered, as it is recorded. */
export class RecordedCall {
  @Matches(idPattern('run')) run!: string;
  /** The step's key, `analyse[3]` for an item. */
  @IsString() step!: string;
  @Opaque() @Allow() input!: unknown;
  @Opaque() @Allow() output!: unknown;
}

export class ListCallsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RecordedCall) data!: RecordedCall[];
  /** A page may have none and be followed by others: it looks through some runs. */
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** What an agent was asked in runs that have ended, and what it answered: the newest runs first, of one at most three calls. Evals are left out, and what is too large. */
export const listCalls = defineContract({
  subject: 'sb.execution.step.list-calls',
  request: ListCallsRequest,
  reply: ListCallsReply,
  permission: 'runs:read',
  callers: ['registry'],
  timeoutMs: 15_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['limited'],
});
