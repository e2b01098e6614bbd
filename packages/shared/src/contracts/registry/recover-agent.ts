import { Type } from 'class-transformer';
import { IsOptional, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { instanceNamePattern } from './instance.ts';
import { Isolation } from './isolation.ts';

export class RecoverAgentRequest {
  @Matches(namePattern) agent!: string;
  /** One of its instances; absent: the agent itself. */
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
}

export class RecoverAgentReply {
  @ValidateNested() @Type(() => Isolation) resource!: Isolation;
}

/** Has the next attempt to recover made now: a process of ours is replaced, others are tried with one task at a time. Also after it was given up. */
export const recoverAgent = defineContract({
  subject: 'sb.registry.agent.recover',
  request: RecoverAgentRequest,
  reply: RecoverAgentReply,
  permission: 'agents:isolate',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
