import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Matches, MaxLength, Min, ValidateNested } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { stages, type Stage } from './stage.ts';

export const agentKinds = ['mcp', 'worker', 'llm', 'http'] as const;
export type AgentKind = (typeof agentKinds)[number];

export const agentStatuses = ['healthy', 'degraded', 'isolated', 'failed', 'idle', 'unknown'] as const;
/** `isolated`: it is kept out of routing; `idle`: nothing is wrong, but no instance is there; `unknown`: nobody has looked yet. */
export type AgentStatus = (typeof agentStatuses)[number];

export const breakerStates = ['closed', 'open', 'half-open'] as const;
export type BreakerState = (typeof breakerStates)[number];

/** A content hash as it stands in replies. */
export const hashPattern = /^sha256:[0-9a-f]{64}$/;

/** What an agent says it can do. */
export class Skill {
  @IsString() @MaxLength(128) name!: string;
  @IsString() @MaxLength(4_096) description!: string;
  /** JSON Schema of the input; absent: anything. */
  @IsOptional() @IsObject() @Opaque() inputSchema?: Record<string, unknown>;
  @IsOptional() @IsObject() @Opaque() outputSchema?: Record<string, unknown>;
}

/** How much of an agent is there now. */
export class InstanceCounts {
  @IsInt() @Min(0) live!: number;
  /** Tasks that all live instances together take at once. */
  @IsInt() @Min(0) capacity!: number;
  @IsInt() @Min(0) inFlight!: number;
}

/** An agent as lists and pages show it. */
export class Agent {
  @Matches(idPattern('agent')) id!: string;
  @Matches(namePattern) name!: string;
  @IsIn(agentKinds) kind!: AgentKind;
  @IsString() description!: string;
  @IsObject() labels!: Record<string, string>;
  @IsIn(agentStatuses) status!: AgentStatus;
  /** One sentence: why the status is what it is. */
  @IsOptional() @IsString() statusReason?: string;
  /** Counts the changes of the manifest; the ETag that `If-Match` takes. */
  @IsInt() @Min(1) version!: number;
  @Matches(hashPattern) hash!: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Skill) skills!: Skill[];
  @ValidateNested() @Type(() => InstanceCounts) instances!: InstanceCounts;
  /** State of the circuit breaker that `protocol` keeps for calls to it; absent where no call was made yet. */
  @IsOptional() @IsIn(breakerStates) breaker?: BreakerState;
  /** The last stage that the current version is at; absent: none. */
  @IsOptional() @IsIn(stages) stage?: Stage;
  @IsISO8601() createdAt!: string;
  @IsISO8601() updatedAt!: string;
}
