import { IsISO8601, IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { hashPattern } from '../registry/agent.ts';
import { Tool } from './tool.ts';

export class GetToolRequest {
  @Matches(namePattern) server!: string;
  @IsString() @MaxLength(256) tool!: string;
}

export class GetToolReply extends Tool {
  /** All that the server said of it. */
  @IsObject() @Opaque() definition!: Record<string, unknown>;
  /** SHA-256 of the definition's RFC 8785 form, now. */
  @Matches(hashPattern) hash!: string;
  /** The hash when the tool was first seen: where it differs, the server has changed what a model reads. */
  @Matches(hashPattern) pin!: string;
  @IsISO8601() firstSeenAt!: string;
  /** When the definition last changed. */
  @IsOptional() @IsISO8601() changedAt?: string;
}

/** One tool with its definition and its pin. */
export const getTool = defineContract({
  subject: 'sb.mcp-server.tool.get',
  request: GetToolRequest,
  reply: GetToolReply,
  permission: 'tools:read',
  callers: ['api-gateway', 'registry', 'protocol', 'execution'],
  timeoutMs: 2_000,
  maxBytes: 2_048,
  idempotent: true,
  errors: ['not_found'],
});
