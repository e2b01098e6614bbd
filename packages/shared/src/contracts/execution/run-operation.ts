import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { failureCodes, type FailureCode } from './failure.ts';
import type { RunFilter } from './run-filter.ts';

/**
 * What can be done to many runs. `cancel`: those that live; `retry`: those with a failure or cancelled, each gone on from where it failed; `fork`: those that
 * have ended, from the named steps on; `dismiss`: those whose failure nobody has looked after, put aside with a note;
 * `delete`: those that have ended, with all that is recorded of them; `upgrade`: those that live go on by the version that their workflow has now.
 */
export const runActions = ['cancel', 'retry', 'fork', 'dismiss', 'delete', 'upgrade'] as const;
export type RunAction = (typeof runActions)[number];

export const runOperationStatuses = ['running', 'done', 'cancelled', 'failed'] as const;
export type RunOperationStatus = (typeof runOperationStatuses)[number];

/** A run that the operation could not do its work on. */
export class RunOperationFailure {
  @Matches(idPattern('run')) run!: string;
  @IsIn(failureCodes) code!: FailureCode;
  @IsString() detail!: string;
}

/** Something that is being done, or was done, to many runs. Times are ISO 8601. */
export class RunOperationView {
  @Matches(idPattern('runop')) id!: string;
  @IsIn(runActions) action!: RunAction;
  /** Null: the runs were named. */
  @Opaque() @IsOptional() @IsObject() filter!: RunFilter | null;
  @IsOptional() @IsArray() @IsString({ each: true }) from!: string[] | null;
  @IsOptional() @IsString() note!: string | null;
  @IsIn(runOperationStatuses) status!: RunOperationStatus;
  /** Of a failed one: why it could not go on. What it had done stays done. */
  @IsOptional() @IsString() reason!: string | null;
  /** How many runs it meant when it began. */
  @IsInt() total!: number;
  @IsInt() done!: number;
  @IsInt() failed!: number;
  @IsString() startedBy!: string;
  @IsString() createdAt!: string;
  @IsOptional() @IsString() endedAt!: string | null;
}

/** With its failures, the first two hundred. */
export class RunOperationDetail extends RunOperationView {
  @IsArray() @ValidateNested({ each: true }) @Type(() => RunOperationFailure) failures!: RunOperationFailure[];
}
