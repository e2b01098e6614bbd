import { IsInt, IsObject, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';
import { Opaque } from '../../bus/opaque.ts';

/** Labels of one run: more are refused. */
export const labelsMax = 32;

/** A run that was started in place of another workflow has this label, with the name of that. */
export const scaledBackLabel = 'scaled-back-from';

export class StartRunRequest {
  @Matches(namePattern) workflow!: string;

  /** What the workflow's `input` schema allows; `{}` if absent. At most 256 KiB. */
  @IsOptional() @Opaque() input?: unknown;

  /** Names and values to find the run by, of at most 63 and 255 characters. */
  @IsOptional() @IsObject() labels?: Record<string, string>;

  /** The same key again within 24 h gives the same run; with another request, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;

  /** Ends the run as failed (`timeout`) after this time, if the workflow does not do so earlier. */
  @IsOptional() @IsInt() @Min(1) @Max(30 * 86_400_000) timeoutMs?: number;

  /** How urgent its steps are, from 1 (goes first) to 5; absent: as the workflow says. */
  @IsOptional() @IsInt() @Min(1) @Max(5) priority?: number;

  /** How long to wait for the end before answering with the run as it stands; absent or 0: do not wait. Whoever waits allows as much more time. */
  @IsOptional() @IsInt() @Min(0) @Max(300_000) waitMs?: number;
}

export class StartRunReply extends RunView {}

/** Starts a workflow. The answer comes after the start was committed, from then on the run ends, whatever dies; or after its end, with `waitMs`. */
export const startRun = defineContract({
  subject: 'sb.execution.run.start',
  request: StartRunRequest,
  reply: StartRunReply,
  permission: 'runs:write',
  callers: ['api-gateway', 'registry', 'mcp-server', 'protocol'],
  timeoutMs: 10_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
});
