import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';
import { shardOfRun } from './task-id.ts';

/** Names of signals. */
export const signalPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export class SignalRunRequest {
  @Matches(idPattern('run')) run!: string;
  @Matches(signalPattern) name!: string;

  /** What the step that waits for it gives as its output; null if absent. */
  @IsOptional() @Opaque() data?: unknown;

  /** The same key again is the same signal; with another name or other data, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class SignalRunReply extends RunView {}

/**
 * Gives a signal to a run: to the step that waits for it, else to the next that will. Answers once it is kept. `conflict` when the run has
 * ended, `limited` after 1,000 signals.
 */
export const signalRun = defineContract({
  subject: 'sb.execution.run.signal',
  request: SignalRunRequest,
  reply: SignalRunReply,
  permission: 'runs:write',
  callers: ['api-gateway', 'registry', 'mcp-server', 'protocol'],
  timeoutMs: 5_000,
  maxBytes: 65_536,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
  shardOf: ({ run }) => shardOfRun(run),
});
