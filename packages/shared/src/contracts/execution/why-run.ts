import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { shardOfRun } from './task-id.ts';
import { runStatuses, stepStatuses, type RunStatus, type StepStatus } from './run-view.ts';

/**
 * What can keep a step from going on, what needs a person first: of several causes the first in this order is told. `step`, `items` and `child` lead
 * on to what they wait for; the others are roots.
 */
export const causeKinds = [
  'failed',
  'quarantined',
  'lost',
  'no-worker',
  'skill',
  'unreachable',
  'breaker',
  'isolated',
  'approval',
  'signal',
  'budget',
  'limit',
  'workers-full',
  'failover',
  'retry',
  'time',
  'owner',
  'handing-over',
  'running',
  'child',
  'items',
  'step',
  'cancelled',
  'skipped',
  'succeeded',
] as const;
export type CauseKind = (typeof causeKinds)[number];

/** A step, or a run as a whole, that holds one of the places that another waits for. */
export class PlaceHolder {
  @Matches(idPattern('run')) run!: string;
  /** Empty: the run as a whole. */
  @IsString() step!: string;
  @IsOptional() @IsString() instance!: string | null;
  /** ISO 8601; null: handed over, not begun. */
  @IsOptional() @IsString() since!: string | null;
}

/** One link of the chain of causes. */
export class Cause {
  @IsIn(causeKinds) kind!: CauseKind;
  @Matches(idPattern('run')) run!: string;
  /** The step's key, `analyse[3]` for an item; null: the run as a whole. */
  @IsOptional() @IsString() step!: string | null;
  @IsIn([...new Set([...runStatuses, ...stepStatuses])]) status!: RunStatus | StepStatus;
  /** `agent:<name>`, `tool:<server>/<tool>`, `step:<key>`, `run:<id>`, `signal:<name>`, `approval:<id>`, `budget:<of>`; null where the step itself is meant. */
  @IsOptional() @IsString() on!: string | null;
  @IsString() because!: string;
  /** What to do about it; null where nothing needs to be done. */
  @IsOptional() @IsString() next!: string | null;
  /** When it is over by itself at the latest, ISO 8601. */
  @IsOptional() @IsString() until!: string | null;
  /** Who has the places that are full, the longest first; at most ten. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => PlaceHolder) holders!: PlaceHolder[];
}

/** How many of the run's open steps and items go on, or wait, for the same kind of reason. */
export class CauseCount {
  @IsIn(causeKinds) kind!: CauseKind;
  @IsInt() count!: number;
  /** The first of them. */
  @IsString() step!: string;
}

export class WhyRunRequest {
  @Matches(idPattern('run')) run!: string;
  /** `analyse`, or `analyse[3]` for an item; absent: whatever the run waits for. */
  @IsOptional() @IsString() @MaxLength(80) key?: string;
}

export class WhyRunReply {
  @Matches(idPattern('run')) run!: string;
  @IsOptional() @IsString() step!: string | null;
  /** From what was asked for to the root cause, through steps and child runs. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => Cause) chain!: Cause[];
  /** What else is open in the run. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => CauseCount) open!: CauseCount[];
}

/** Why a run, or one step of it, is not under way: one chain of causes, each with what to do next. */
export const whyRun = defineContract({
  subject: 'sb.execution.run.why',
  request: WhyRunRequest,
  reply: WhyRunReply,
  permission: 'runs:read',
  callers: ['api-gateway', 'execution'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
  shardOf: ({ run }) => shardOfRun(run),
});
