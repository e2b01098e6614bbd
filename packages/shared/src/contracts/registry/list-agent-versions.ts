import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { hashPattern } from './agent.ts';

export class ListAgentVersionsRequest extends PageRequest {
  @Matches(namePattern) name!: string;
}

/** An immutable manifest of an agent. */
export class AgentVersion {
  @IsInt() @Min(1) version!: number;
  @Matches(hashPattern) hash!: string;
  @IsBoolean() current!: boolean;
  /** Who applied it. */
  @IsString() createdBy!: string;
  @IsISO8601() createdAt!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

export class ListAgentVersionsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => AgentVersion) data!: AgentVersion[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** The versions of an agent, the newest first; a page ends early where its manifests would not fit into one message. */
export const listAgentVersions = defineContract({
  subject: 'sb.registry.version.list',
  request: ListAgentVersionsRequest,
  reply: ListAgentVersionsReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
