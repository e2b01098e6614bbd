import { IsArray, IsIn, IsInt, IsNumber, IsOptional, IsString, IsUUID, Matches, MaxLength, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { mcpServerStatuses, mcpTransports, type McpServerStatus, type McpTransport } from './mcp-server.ts';

export class McpServerChanged {
  @Matches(idPattern('mcp')) id!: string;
  @Matches(namePattern) name!: string;
  @IsIn(mcpTransports) transport!: McpTransport;
  /** `manifest`: it was applied; `status`: status or reason; `tools`: the catalogue; `deleted`: it is no more. */
  @IsIn(['manifest', 'status', 'tools', 'deleted']) change!: 'manifest' | 'status' | 'tools' | 'deleted';
  @IsIn(mcpServerStatuses) status!: McpServerStatus;
  @IsOptional() @IsString() statusReason?: string;
  @IsInt() @Min(0) tools!: number;
  @IsInt() @Min(0) restarts!: number;
  /** With `tools`: names that came, went, or whose definition is another now; at most 100 of each. */
  @IsOptional() @IsArray() @IsString({ each: true }) added?: string[];
  @IsOptional() @IsArray() @IsString({ each: true }) removed?: string[];
  @IsOptional() @IsArray() @IsString({ each: true }) changed?: string[];
}

/** An MCP server was applied, deleted, or its status or tools changed. Entity: the server's id. */
export const mcpServerChanged = defineEvent({
  subject: 'sb.event.mcp-server.mcp-server.changed',
  payload: McpServerChanged,
  listeners: ['execution', 'protocol', 'registry'],
});

export class ToolProgressed {
  /** The `progressId` of the call. */
  @IsUUID() progressId!: string;
  @IsNumber() progress!: number;
  @IsOptional() @IsNumber() total?: number;
  @IsOptional() @IsString() @MaxLength(2_000) message?: string;
}

/** What a tool says while it works. Entity: the `progressId`. */
export const toolProgressed = defineEvent({
  subject: 'sb.live.mcp-server.tool.progressed',
  payload: ToolProgressed,
  listeners: ['protocol', 'execution'],
});
