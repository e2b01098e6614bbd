import { IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';

/** What a tool may be called by MCP servers: longer or stranger names are left out of the catalogue. */
export const toolNamePattern = /^[^\s/\p{C}]{1,128}$/u;

/** A tool of an MCP server (MCP 2026-07-28, server/tools). Annotations are the server's claims. */
export class Tool {
  @Matches(namePattern) server!: string;
  @IsString() @MaxLength(256) name!: string;
  @IsOptional() @IsString() title?: string;
  @IsString() description!: string;
  @IsObject() @Opaque() inputSchema!: Record<string, unknown>;
  @IsOptional() @IsObject() @Opaque() outputSchema?: Record<string, unknown>;
  @IsOptional() @IsObject() @Opaque() annotations?: Record<string, unknown>;
}
