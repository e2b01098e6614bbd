import { IsArray, IsBoolean, IsInt, IsObject, IsOptional, IsString, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';

/** No call lasts longer, whatever a server's manifest or a caller says. */
export const callTimeoutMaxMs = 600_000;

export class CallToolRequest {
  @Matches(namePattern) server!: string;

  /** The name as its server gives it, without a prefix. */
  @IsString() @MaxLength(256) tool!: string;

  /** Checked against the tool's input schema; `{}` if absent. */
  @IsOptional() @IsObject() @Opaque() arguments?: Record<string, unknown>;

  /** Shorter than the server's `callTimeoutMs`, which is the default. */
  @IsOptional() @IsInt() @Min(1) @Max(callTimeoutMaxMs) timeoutMs?: number;

  /** With it, progress of the call is told live by `tool-progressed` under this id. */
  @IsOptional() @IsUUID() progressId?: string;

  /** `_meta` for the upstream server, as `traceparent`; what the protocol reserves is left out. */
  @IsOptional() @IsObject() @Opaque() meta?: Record<string, unknown>;
}

export class CallToolReply {
  /** Content blocks as the server gave them (MCP 2026-07-28, server/tools). */
  @IsArray() @Opaque() content!: unknown[];
  @IsOptional() @Opaque() structuredContent?: unknown;
  /** The tool itself says that it failed: the call was made, and `content` says why. */
  @IsBoolean() isError!: boolean;
  @IsOptional() @IsObject() @Opaque() meta?: Record<string, unknown>;
}

/**
 * Calls a tool of an MCP server, once: it is never tried again here, since only the tool's owner knows whether it may be. `invalid`: the
 * arguments do not fit the tool's schema; `unavailable`: the server is down or broke off; `timeout`; `limited`: the result is too large.
 * Cancelling the request cancels the call upstream.
 */
export const callTool = defineContract({
  subject: 'sb.mcp-server.tool.call',
  request: CallToolRequest,
  reply: CallToolReply,
  permission: 'tools:call',
  callers: ['api-gateway', 'protocol', 'execution'],
  timeoutMs: callTimeoutMaxMs + 5_000,
  maxBytes: messageMaxBytes,
  idempotent: false,
  // Tools that only read.
  inMirror: true,
  errors: ['not_found', 'limited'],
});
