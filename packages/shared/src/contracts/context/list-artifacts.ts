import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { idPattern } from '../../ids/ids.ts';
import { Artifact } from './artifact.ts';

export class ListArtifactsRequest extends PageRequest {
  /** Only those of one run. */
  @IsOptional() @Matches(idPattern('run')) run?: string;
  /** Only those with exactly this name. */
  @IsOptional() @IsString() @MaxLength(255) name?: string;
}

export class ListArtifactsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Artifact) data!: Artifact[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Artifacts, the newest first; `q` looks into name and media type. */
export const listArtifacts = defineContract({
  subject: 'sb.context.artifact.list',
  request: ListArtifactsRequest,
  reply: ListArtifactsReply,
  permission: 'artifacts:read',
  callers: ['api-gateway', 'execution', 'protocol', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
