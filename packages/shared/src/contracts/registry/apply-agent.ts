import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { Agent } from './agent.ts';
import { Rollout } from './rollout.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';

export class ApplyAgentRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;

  /** The whole manifest; the published JSON Schema says what is in it. */
  @IsObject() @Opaque() manifest!: Record<string, unknown>;

  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;

  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyAgentReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  /** The agent after the change, or as it would be. */
  @ValidateNested() @Type(() => Agent) resource!: Agent;
  /** Of the new version, where it does not become the current one at once; of the same content, where it is on its way or was rolled back. */
  @IsOptional() @ValidateNested() @Type(() => Rollout) rollout?: Rollout;
}

/**
 * Creates an agent or replaces its manifest; the same manifest again changes nothing. Naming a command for the local runner also needs
 * `commands:write`. `conflict` when `expectedVersion` is not the current one.
 */
export const applyAgent = defineContract({
  subject: 'sb.registry.agent.apply',
  request: ApplyAgentRequest,
  reply: ApplyAgentReply,
  permission: 'agents:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 262_144,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
