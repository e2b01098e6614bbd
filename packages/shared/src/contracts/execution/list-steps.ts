import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';
import { StepView } from './run-view.ts';
import { Opaque } from '../../bus/opaque.ts';
import { shardOfRun } from './task-id.ts';

export class ListStepsRequest extends PageRequest {
  @Matches(idPattern('run')) run!: string;
}

export class ListStepsReply {
  @Opaque() @IsArray() @Type(() => StepView) data!: StepView[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The steps of a run, page by page: for runs with thousands of items. */
export const listSteps = defineContract({
  subject: 'sb.execution.step.list',
  request: ListStepsRequest,
  reply: ListStepsReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
  shardOf: ({ run }) => shardOfRun(run),
});
