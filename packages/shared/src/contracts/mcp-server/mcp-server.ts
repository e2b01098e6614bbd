import { IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';

export const mcpTransports = ['stdio', 'streamable-http'] as const;
export type McpTransport = (typeof mcpTransports)[number];

export const mcpServerStatuses = ['starting', 'ready', 'degraded', 'failed', 'stopped'] as const;
/**
 * `starting`: it is being started or reached, or waits for its next attempt; `degraded`: it is there but cannot be used fully, as when it
 * needs a login; `failed`: given up until somebody restarts it or changes its manifest.
 */
export type McpServerStatus = (typeof mcpServerStatuses)[number];

export const containmentLevels = ['none', 'basic', 'medium', 'strong'] as const;
/** How well a child process is kept from the rest of the machine; see docs/services/mcp-server.md. */
export type Containment = (typeof containmentLevels)[number];

/** What `statusReason` of a server begins with that answers 401: nothing is wrong with it but that nobody has logged in. */
export const needsLogin = 'needs login';

/** An upstream MCP server as lists show it. */
export class McpServer {
  @Matches(idPattern('mcp')) id!: string;
  @Matches(namePattern) name!: string;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsIn(mcpTransports) transport!: McpTransport;
  @IsIn(mcpServerStatuses) status!: McpServerStatus;
  /** One sentence: why the status is what it is. */
  @IsOptional() @IsString() statusReason?: string;
  /** Of the process of a stdio server, once it was started. */
  @IsOptional() @IsIn(containmentLevels) containment?: Containment;
  /** How many tools it offers. */
  @IsInt() @Min(0) tools!: number;
  /** Starts after the first, since its manifest was applied or it was restarted by hand. */
  @IsInt() @Min(0) restarts!: number;
  @IsOptional() @IsISO8601() nextAttemptAt?: string;
  /** Since when it is ready. */
  @IsOptional() @IsISO8601() startedAt?: string;
  /** Counts the changes of the manifest; the ETag that `If-Match` takes. */
  @IsInt() @Min(1) version!: number;
  @IsISO8601() createdAt!: string;
  @IsISO8601() updatedAt!: string;
}
