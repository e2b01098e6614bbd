import { ArrayMaxSize, IsArray, IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';

/** Agents whose version one fork can change. */
export const forkVersionsMax = 50;

/** The label by which a fork names the run that it was made of. */
export const forkLabel = 'forked-from';

export class ForkRunRequest {
  @Matches(idPattern('run')) run!: string;

  /** Keys of the steps that are done again, with all that follows them; absent: what was not done, items too. */
  @IsOptional() @IsArray() @ArrayMaxSize(500) @IsString({ each: true }) @MaxLength(64, { each: true }) from?: string[];

  /** Another input; what is kept stays as it was. */
  @IsOptional() @Opaque() input?: unknown;

  /** Versions of agents, by their names, at which they do what is done again; at most `forkVersionsMax`. */
  @IsOptional() @Opaque() @IsObject() versions?: Record<string, number>;

  /** The same key again within 24 h gives the same run; with another request, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;
}

export class ForkRunReply extends RunView {}

/**
 * Starts a run of the same version of a workflow, of other versions of its agents where that is asked for, that keeps what an ended run has done. `conflict` while that has not ended, `limited` when it did
 * more than can be taken over.
 */
export const forkRun = defineContract({
  subject: 'sb.execution.run.fork',
  request: ForkRunRequest,
  reply: ForkRunReply,
  permission: 'runs:write',
  callers: ['api-gateway', 'registry', 'mcp-server', 'protocol', 'execution'],
  timeoutMs: 10_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
});
