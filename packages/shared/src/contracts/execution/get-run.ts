import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView, StepView } from './run-view.ts';
import { Opaque } from '../../bus/opaque.ts';
import { shardOfRun } from './task-id.ts';

export class GetRunRequest {
  @Matches(idPattern('run')) run!: string;
}

export class GetRunReply extends RunView {
  /** In the workflow's order, items after their number; at most 500, the rest by `list-steps` from `nextSteps` on. */
  @Opaque() @IsArray() @Type(() => StepView) steps!: StepView[];
  @IsOptional() @IsString() nextSteps!: string | null;
}

/** A run with its steps, as it stands now. */
export const getRun = defineContract({
  subject: 'sb.execution.run.get',
  request: GetRunRequest,
  reply: GetRunReply,
  permission: 'runs:read',
  callers: ['api-gateway', 'registry', 'mcp-server', 'protocol', 'context'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
  shardOf: ({ run }) => shardOfRun(run),
});
