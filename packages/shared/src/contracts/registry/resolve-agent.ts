import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsNumber, IsObject, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import {
  agentKinds,
  agentStatuses,
  breakerStates,
  hashPattern,
  type Skill,
  type AgentKind,
  type AgentStatus,
  type BreakerState,
} from './agent.ts';
import { instanceNamePattern, instanceStatuses, type InstanceStatus } from './instance.ts';
import { stickByPattern } from './rollout-terms.ts';

export class ResolveAgentRequest {
  @Matches(namePattern) name!: string;

  /** Absent: the current one. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
}

/** An instance that may be given work. */
export class ResolvedInstance {
  @Matches(instanceNamePattern) instance!: string;
  @IsIn(instanceStatuses) status!: InstanceStatus;
  @IsInt() @Min(0) capacity!: number;
  @IsInt() @Min(0) inFlight!: number;
}

/** How calls that the stable version has answered are put to the new one as well. */
export class RoutedMirror {
  /** Of these calls, from 0 to 1. */
  @IsNumber() @Min(0) @Max(1) share!: number;
  @IsInt() @Min(1) @Max(1_000) perSecond!: number;
  @IsInt() @Min(1) @Max(64) inFlight!: number;
}

/** The version that some calls go to, while it is rolled out. */
export class RoutedCandidate {
  @Matches(idPattern('rollout')) rollout!: string;
  @IsInt() @Min(1) version!: number;
  /** Of the calls, from 0 to 1. */
  @IsNumber() @Min(0) @Max(1) share!: number;
  /** Beside the share: all calls of runs with these labels. */
  @IsOptional() @IsObject() @Opaque() labels?: Record<string, string>;
  @Matches(stickByPattern) stickBy!: string;
  /** Absent: no calls are mirrored now. */
  @IsOptional() @ValidateNested() @Type(() => RoutedMirror) mirror?: RoutedMirror;
}

/** Which version calls go to that name none, where the agent's current version was or is being rolled out; else any. */
export class AgentRoute {
  @IsInt() @Min(1) version!: number;
  @IsOptional() @ValidateNested() @Type(() => RoutedCandidate) candidate?: RoutedCandidate;
}

/** What a service needs to call an agent or to give it tasks. */
export class ResolveAgentReply {
  @Matches(idPattern('agent')) id!: string;
  @Matches(namePattern) name!: string;
  @IsIn(agentKinds) kind!: AgentKind;
  @IsInt() @Min(1) version!: number;
  @Matches(hashPattern) hash!: string;
  /** `spec` of the manifest of this version: `mcp`, `worker`, `llm` or `http` holds what the kind needs. Secrets are references. */
  @IsObject() @Opaque() spec!: Record<string, unknown>;
  /** Declared skills. Empty for an `mcp` agent that declares none: each tool of `spec.mcp.server` (or those in `spec.mcp.tools`) is a skill of that name. */
  @IsArray() @IsObject({ each: true }) @Opaque() skills!: Skill[];
  /** Tasks of this agent at once, over all instances; absent: as many as the instances take. */
  @IsOptional() @IsInt() @Min(1) concurrency?: number;
  @IsOptional() @IsInt() @Min(1) @Max(86_400_000) timeoutMs?: number;
  @IsIn(agentStatuses) status!: AgentStatus;
  @IsOptional() @IsString() statusReason?: string;
  @IsOptional() @IsIn(breakerStates) breaker?: BreakerState;
  /** Live and draining ones, at most 200. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => ResolvedInstance) instances!: ResolvedInstance[];
  /** Instances that get no work, by name; where there are some. */
  @IsOptional() @IsArray() @Matches(instanceNamePattern, { each: true }) isolated?: string[];
  /** Instances that get one task at a time. */
  @IsOptional() @IsArray() @Matches(instanceNamePattern, { each: true }) trial?: string[];
  @IsOptional() @ValidateNested() @Type(() => AgentRoute) route?: AgentRoute;
}

/** Kind, specification, version, skills and live instances of an agent, for those who give it work. */
export const resolveAgent = defineContract({
  subject: 'sb.registry.agent.resolve',
  request: ResolveAgentRequest,
  reply: ResolveAgentReply,
  permission: 'agents:read',
  callers: ['api-gateway', 'execution', 'protocol', 'context', 'mcp-server'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
