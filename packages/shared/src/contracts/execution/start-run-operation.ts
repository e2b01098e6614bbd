import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunFilter } from './run-filter.ts';
import { runActions, RunOperationFailure, RunOperationView, type RunAction } from './run-operation.ts';
import { RunView } from './run-view.ts';

/** What is to be done to which runs. */
export class RunOrder {
  @IsIn(runActions) action!: RunAction;
  /** The runs; either this or `filter`. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @Matches(idPattern('run'), { each: true })
  ids?: string[];
  /** All runs that are like this when it begins; `{}`: all. */
  @IsOptional() @ValidateNested() @Type(() => RunFilter) filter?: RunFilter;
  /** Of `fork`: the steps that are done again, with all that follows them. */
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(500) @IsString({ each: true }) @MaxLength(64, { each: true }) from?: string[];
  /** Of `dismiss`: why. */
  @IsOptional() @IsString() @MaxLength(500) note?: string;
  /** Runs that were started from then on are not meant: what the look said that one has agreed to. Without it, and at most, now. */
  @IsOptional() @IsISO8601({ strict: true }) before?: string;
  /** Only says what would be done. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

export class StartRunOperationRequest extends RunOrder {
  /** The same key again gives the same operation; with another request, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class StartRunOperationReply {
  /** Null after a dry run. */
  @IsOptional() @ValidateNested() @Type(() => RunOperationView) operation!: RunOperationView | null;
  /** How many runs are meant. */
  @IsInt() count!: number;
  /** Whether there are more than could be counted: no operation takes so many. */
  @IsBoolean() isMore!: boolean;
  /** Those that were started before then. */
  @IsString() before!: string;
  /** The newest of them. */
  @Opaque() @IsArray() @Type(() => RunView) sample!: RunView[];
  /** After a dry run of `upgrade`: those of `sample` that do not fit, and why. */
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => RunOperationFailure) unfit?: RunOperationFailure[];
}

/** Does something to many runs, in the service and as who asked, whether or not he waits. `limited` when more than 100,000 are meant. */
export const startRunOperation = defineContract({
  subject: 'sb.execution.run-operation.start',
  request: StartRunOperationRequest,
  reply: StartRunOperationReply,
  permission: 'runs:write',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 65_536,
  idempotent: false,
  errors: ['limited', 'conflict', 'not_found'],
});
