import { IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { StepView } from './run-view.ts';
import { shardOfRun } from './task-id.ts';

export class GetStepRequest {
  @Matches(idPattern('run')) run!: string;
  /** `analyse`, or `analyse[3]` for an item. */
  @IsString() @MaxLength(80) key!: string;
}

export class GetStepReply extends StepView {}

/** One step of a run, with its whole input and output. */
export const getStep = defineContract({
  subject: 'sb.execution.step.get',
  request: GetStepRequest,
  reply: GetStepReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
  shardOf: ({ run }) => shardOfRun(run),
});
