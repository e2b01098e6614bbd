import { IsInt, IsOptional, Matches, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteAgentRequest {
  @Matches(namePattern) name!: string;
  /** The version last seen; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(1) expectedVersion?: number;
}

export class DeleteAgentReply {
  @Matches(namePattern) name!: string;
}

/** Forgets an agent, its versions and instances. `conflict` while a started deployment holds it. */
export const deleteAgent = defineContract({
  subject: 'sb.registry.agent.delete',
  request: DeleteAgentRequest,
  reply: DeleteAgentReply,
  permission: 'agents:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
