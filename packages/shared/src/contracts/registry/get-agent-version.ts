import { IsInt, IsObject, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { AgentVersion } from './list-agent-versions.ts';

export class GetAgentVersionRequest {
  @Matches(namePattern) name!: string;
  @IsInt() @Min(1) version!: number;
}

export class GetAgentVersionReply extends AgentVersion {
  @IsObject() manifest!: Record<string, unknown>;
}

/** One version of an agent with its manifest. */
export const getAgentVersion = defineContract({
  subject: 'sb.registry.version.get',
  request: GetAgentVersionRequest,
  reply: GetAgentVersionReply,
  permission: 'agents:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
