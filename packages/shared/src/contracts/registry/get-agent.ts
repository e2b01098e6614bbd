import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { Agent } from './agent.ts';

export class GetAgentRequest {
  @Matches(namePattern) name!: string;
}

export class GetAgentReply extends Agent {
  /** The manifest as it was applied. */
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One agent with its manifest. */
export const getAgent = defineContract({
  subject: 'sb.registry.agent.get',
  request: GetAgentRequest,
  reply: GetAgentReply,
  permission: 'agents:read',
  callers: ['api-gateway', 'execution', 'protocol', 'context', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
