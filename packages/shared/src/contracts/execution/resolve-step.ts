import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { StepView } from './run-view.ts';
import { shardOfRun } from './task-id.ts';

/** What follows a lost attempt: another one, the step fails, or the step has succeeded with an output that a person gives. */
export const resolveActions = ['retry', 'fail', 'output'] as const;
export type ResolveAction = (typeof resolveActions)[number];

export class ResolveStepRequest {
  @Matches(idPattern('run')) run!: string;
  /** `analyse`, or `analyse[3]` for an item. */
  @IsString() @MaxLength(80) key!: string;
  @IsIn(resolveActions) action!: ResolveAction;
  /** With `output`: what the step gives; null if absent. */
  @IsOptional() @Opaque() output?: unknown;
  /** The same key again is the same word. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class ResolveStepReply extends StepView {}

/**
 * Says what follows an attempt whose executor was lost, of a step with `onCrash: ask`. Answers once it is recorded. `conflict` when the step does not wait
 * for that.
 */
export const resolveStep = defineContract({
  subject: 'sb.execution.step.resolve',
  request: ResolveStepRequest,
  reply: ResolveStepReply,
  permission: 'runs:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 300_000,
  idempotent: false,
  errors: ['not_found', 'conflict'],
  shardOf: ({ run }) => shardOfRun(run),
});
