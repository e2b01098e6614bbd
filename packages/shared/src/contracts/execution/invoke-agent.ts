import { IsInt, IsObject, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { RunView } from './run-view.ts';
import { Opaque } from '../../bus/opaque.ts';

export class InvokeAgentRequest {
  @Matches(namePattern) agent!: string;

  /** One of the agent's skills; may be left out where it has one. */
  @IsOptional() @IsString() @MaxLength(128) skill?: string;

  /** Which version of it; absent: the current one, or of workers whichever is there. */
  @IsOptional() @IsInt() @Min(1) version?: number;

  /** Any JSON value, `{}` if absent. At most 256 KiB. */
  @IsOptional() @Opaque() input?: unknown;

  @IsOptional() @IsObject() labels?: Record<string, string>;

  /** The same key again within 24 h gives the same run; with another request, `conflict`. */
  @IsOptional() @IsString() @MaxLength(255) idempotencyKey?: string;

  /** How long to wait for the end before answering with the run as it stands; 0: do not wait. 30 s if absent. */
  @IsOptional() @IsInt() @Min(0) @Max(300_000) waitMs?: number;

  /** Another agent, for when this one cannot. */
  @IsOptional() @Matches(namePattern) fallback?: string;

  /** How long one attempt may take. */
  @IsOptional() @IsInt() @Min(1) @Max(86_400_000) timeoutMs?: number;

  /** How urgent it is, from 1 (goes first) to 5; 3 if absent. */
  @IsOptional() @IsInt() @Min(1) @Max(5) priority?: number;
}

export class InvokeAgentReply extends RunView {}

/** A call to one agent: a run of one step. Answers when it has ended, or after `waitMs` with the run as it stands then. */
export const invokeAgent = defineContract({
  subject: 'sb.execution.agent.invoke',
  request: InvokeAgentRequest,
  reply: InvokeAgentReply,
  permission: 'agents:invoke',
  callers: ['api-gateway', 'mcp-server', 'protocol', 'registry'],
  timeoutMs: 310_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  errors: ['not_found', 'conflict', 'limited'],
});
