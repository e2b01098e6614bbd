import { ArrayMaxSize, IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { shardOfAgent } from './instance-shard.ts';
import { instanceNamePattern, instanceStatuses, type InstanceStatus } from './instance.ts';

/** What an instance says of itself; that it is isolated, others say. */
export const beatStatuses = ['live', 'draining', 'gone'] as const;
export type BeatStatus = (typeof beatStatuses)[number];

export class BeatInstanceRequest {
  @Matches(namePattern) agent!: string;

  /** The name that the process gave itself. The first beat of a name registers it. */
  @Matches(instanceNamePattern) instance!: string;

  /** Tasks that it takes at once. */
  @IsInt() @Min(0) @Max(10_000) capacity!: number;

  @IsInt() @Min(0) @Max(10_000) inFlight!: number;

  /** `live` if absent; `draining` before it stops; `gone` is its goodbye, sent at once when its connection closes. */
  @IsOptional() @IsIn(beatStatuses) status?: BeatStatus;

  /** Why it is gone. */
  @IsOptional() @IsString() @MaxLength(500) reason?: string;

  /** Names of the skills that it offers: told once, with the first beat. */
  @IsOptional() @IsArray() @ArrayMaxSize(200) @IsString({ each: true }) @MaxLength(128, { each: true }) skills?: string[];

  /** The version of the agent that it runs, told as the skills are; absent: it is taken to run the current one. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
}

export class BeatInstanceReply {
  @Matches(idPattern('instance')) id!: string;
  @IsIn(instanceStatuses) status!: InstanceStatus;
  /** Beat again within this many milliseconds. */
  @IsInt() @Min(1) heartbeatMs!: number;
}

/**
 * A heartbeat of one instance: registers it, keeps it alive, says how busy it is. What changes its status or capacity is written and told at once; a mere
 * beat is only remembered, and is said of many at once by `beat-instances`. An agent's own key beats for that agent alone: for another one `not_found`. `conflict`
 * where its process is known to have ended.
 */
export const beatInstance = defineContract({
  subject: 'sb.registry.instance.beat',
  request: BeatInstanceRequest,
  reply: BeatInstanceReply,
  permission: 'instances:beat',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 32_768,
  idempotent: true,
  errors: ['not_found', 'conflict', 'limited'],
  shardOf: ({ agent }, { workspace }) => shardOfAgent(workspace, agent),
});
