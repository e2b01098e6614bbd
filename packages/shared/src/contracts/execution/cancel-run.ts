import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';
import { shardOfRun } from './task-id.ts';

export class CancelRunRequest {
  @Matches(idPattern('run')) run!: string;
  /** A second cancel, with another key, ends the steps of `finally` too; one without a key never does. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class CancelRunReply extends RunView {}

/**
 * Ends a run: its open tasks and child runs are cancelled, what was done is undone and `finally` runs, where the workflow says so. `conflict` when it has
 * ended in another way.
 */
export const cancelRun = defineContract({
  subject: 'sb.execution.run.cancel',
  request: CancelRunRequest,
  reply: CancelRunReply,
  permission: 'runs:write',
  callers: ['api-gateway', 'registry', 'mcp-server', 'protocol', 'execution'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found', 'conflict'],
  shardOf: ({ run }) => shardOfRun(run),
});
