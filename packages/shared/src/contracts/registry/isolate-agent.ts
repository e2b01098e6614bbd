import { IsOptional, IsString, Matches, MaxLength, MinLength, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { instanceNamePattern } from './instance.ts';
import { Isolation } from './isolation.ts';

export class IsolateAgentRequest {
  @Matches(namePattern) agent!: string;
  /** One of its instances; absent: the agent with all of them. */
  @IsOptional() @Matches(instanceNamePattern) instance?: string;
  /** What others should know of it. */
  @IsString() @MinLength(1) @MaxLength(500) reason!: string;
}

export class IsolateAgentReply {
  @ValidateNested() @Type(() => Isolation) resource!: Isolation;
}

/**
 * Takes an agent or an instance out of routing: it gets no new work, and what it has is given to others. Until it is released: nothing is tried by itself.
 * What is isolated already stays as it is.
 */
export const isolateAgent = defineContract({
  subject: 'sb.registry.agent.isolate',
  request: IsolateAgentRequest,
  reply: IsolateAgentReply,
  permission: 'agents:isolate',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 2_048,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
