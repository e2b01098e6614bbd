import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, Matches, Max, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

/** Instances of one message. */
export const beatsMax = 1_000;

/** Beats of instances of one shard. The lists are equally long: what stands at one place of them belongs together. */
export class BeatInstancesRequest {
  /** As `beat-instance` answered them. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(beatsMax) @Matches(idPattern('instance'), { each: true }) ids!: string[];

  /** Tasks that each has. */
  @IsArray() @ArrayMaxSize(beatsMax) @IsInt({ each: true }) @Min(0, { each: true }) @Max(10_000, { each: true }) inFlight!: number[];

  /** How long ago each was heard, in milliseconds. */
  @IsArray() @ArrayMaxSize(beatsMax) @IsInt({ each: true }) @Min(0, { each: true }) @Max(60_000, { each: true }) ageMs!: number[];
}

export class BeatInstancesReply {
  /** Those that are not known, or are gone: they say who they are by `beat-instance`. */
  @IsArray() @ArrayMaxSize(beatsMax) @Matches(idPattern('instance'), { each: true }) unknown!: string[];
}

/**
 * Mere beats of many instances at once, kept in the memory of their shard's owner: `shardOfAgent(workspace, agent)`. Who has the instances' connections
 * sends them; each was let in by `beat-instance` before, which also tells what changes.
 */
export const beatInstances = defineContract({
  subject: 'sb.registry.shard.*.beat-instances',
  request: BeatInstancesRequest,
  reply: BeatInstancesReply,
  permission: 'none',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 131_072,
  idempotent: false,
  identity: 'service',
  shard: true,
});
