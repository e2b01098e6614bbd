import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Min } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';

export const instanceStatuses = ['live', 'draining', 'isolated', 'gone'] as const;
/** `draining`: finishes what it has and takes nothing new; `isolated`: is given nothing, since something was the matter with it; `gone`: said goodbye or missed its beats. */
export type InstanceStatus = (typeof instanceStatuses)[number];

export const runnerKinds = ['local', 'external'] as const;
export type RunnerKind = (typeof runnerKinds)[number];

/** What a process may call itself: it only has to be its own among its agent's instances. */
export const instanceNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A live replica of an agent, or one that is gone and not yet forgotten. */
export class Instance {
  @Matches(idPattern('instance')) id!: string;
  @Matches(namePattern) agent!: string;
  /** The name that the process gave itself. */
  @Matches(instanceNamePattern) instance!: string;
  @IsIn(instanceStatuses) status!: InstanceStatus;
  /** Why it is gone. */
  @IsOptional() @IsString() statusReason?: string;
  @IsInt() @Min(0) capacity!: number;
  @IsInt() @Min(0) inFlight!: number;
  /** Whether our local runner brought it up, or somebody else. */
  @IsIn(runnerKinds) runner!: RunnerKind;
  @IsISO8601() lastBeatAt!: string;
  /** When its first beat came. */
  @IsISO8601() startedAt!: string;
}
