import { Type } from 'class-transformer';
import { Allow, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView, stepStatuses, type StepStatus } from './run-view.ts';

export class CompareRunsRequest extends PageRequest {
  @Matches(idPattern('run')) run!: string;
  @Matches(idPattern('run')) other!: string;
}

/** One step, or item, of one of the runs. */
export class ComparedSide {
  @IsIn(stepStatuses) status!: StepStatus;
  /** From its first start to its end; null while it has none. */
  @IsOptional() @IsInt() durationMs!: number | null;
  @IsInt() attempts!: number;
  @IsNumber() costUsd!: number;
  @IsInt() tokens!: number;
}

/** Where two JSON values differ. `undefined` on one side: only the other has it. */
export class Difference {
  /** JSON pointer (RFC 6901); empty: the whole. */
  @IsString() pointer!: string;
  @IsOptional() @Opaque() @Allow() a?: unknown;
  @IsOptional() @Opaque() @Allow() b?: unknown;
}

export class ComparedStep {
  @IsString() key!: string;
  /** Null: this run has no such step or item. */
  @IsOptional() @ValidateNested() @Type(() => ComparedSide) a!: ComparedSide | null;
  @IsOptional() @ValidateNested() @Type(() => ComparedSide) b!: ComparedSide | null;
  /** Whether status, attempts, input or output differ. */
  @IsBoolean() isDifferent!: boolean;
  /** At most twenty each; values are cut. */
  @Opaque() @IsArray() @Type(() => Difference) input!: Difference[];
  @Opaque() @IsArray() @Type(() => Difference) output!: Difference[];
}

export class CompareRunsReply {
  /** Without inputs and outputs. */
  @Opaque() @IsObject() @Type(() => RunView) a!: RunView;
  @Opaque() @IsObject() @Type(() => RunView) b!: RunView;
  @IsBoolean() isSameDefinition!: boolean;
  /** Of the runs' own inputs and outputs. */
  @Opaque() @IsArray() @Type(() => Difference) input!: Difference[];
  @Opaque() @IsArray() @Type(() => Difference) output!: Difference[];
  @Opaque() @IsArray() @Type(() => ComparedStep) steps!: ComparedStep[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Two runs side by side, their steps aligned by key. */
export const compareRuns = defineContract({
  subject: 'sb.execution.run.compare',
  request: CompareRunsRequest,
  reply: CompareRunsReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 2_048,
  idempotent: true,
  errors: ['not_found'],
});
