import { Type } from 'class-transformer';
import { Allow, IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { Failure, Usage } from './failure.ts';
import { runStatuses, stepStatuses, type RunStatus, type StepStatus } from './run-view.ts';
import { shardOfRun } from './task-id.ts';

export class ListOutputsRequest {
  @Matches(idPattern('run')) run!: string;
  /** A step with `forEach`. */
  @IsString() @MaxLength(63) step!: string;
  /** The first item that is wanted; 0 if absent. */
  @IsOptional() @IsInt() @Min(0) from?: number;
}

/** How one item went. */
export class ItemOutput {
  @IsInt() @Min(0) index!: number;
  @IsIn(stepStatuses) status!: StepStatus;
  /** Whole, null where there is none. */
  @Opaque() @Allow() output!: unknown;
  /** The output is larger than a message holds, and left out. */
  @IsOptional() @IsBoolean() isTooLarge?: boolean;
  /** The child run that did it. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
  /** A recorded run that was done again, and went another way than recorded. */
  @IsOptional() @IsBoolean() isDiverged?: boolean;
  @IsOptional() @ValidateNested() @Type(() => Failure) error?: Failure;
  /** Of a child run what all of it used. */
  @IsOptional() @ValidateNested() @Type(() => Usage) usage?: Usage;
  /** From the start of its last attempt to its end. */
  @IsOptional() @IsInt() @Min(0) durationMs?: number;
}

export class ListOutputsReply {
  @IsIn(runStatuses) status!: RunStatus;
  /** Why the run failed. */
  @IsOptional() @ValidateNested() @Type(() => Failure) error?: Failure;
  @IsArray() @ValidateNested({ each: true }) @Type(() => ItemOutput) data!: ItemOutput[];
  /** Where the next page begins; null: there is none. */
  @IsOptional() @IsInt() next!: number | null;
}

/** How a run stands, and what the items of one of its steps gave, whole: as many as a message holds. */
export const listOutputs = defineContract({
  subject: 'sb.execution.step.list-outputs',
  request: ListOutputsRequest,
  reply: ListOutputsReply,
  permission: 'runs:read',
  callers: ['registry'],
  timeoutMs: 10_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
  shardOf: ({ run }) => shardOfRun(run),
});
