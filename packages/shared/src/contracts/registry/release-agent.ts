import { IsOptional, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { instanceNamePattern } from './instance.ts';

export class ReleaseAgentRequest {
  @Matches(namePattern) agent!: string;
  /** One of its instances; absent: the agent, and those of its instances that are isolated. */
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
}

export class ReleaseAgentReply {
  @Matches(namePattern) agent!: string;
}

/** Lets an agent or an instance back into routing. `not_found`: it is not isolated. */
export const releaseAgent = defineContract({
  subject: 'sb.registry.agent.release',
  request: ReleaseAgentRequest,
  reply: ReleaseAgentReply,
  permission: 'agents:isolate',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found'],
});
