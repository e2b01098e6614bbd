import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { runStatuses, type RunStatus } from './run-view.ts';

/** What became of one firing: `waiting` is started when the run before it has ended. */
export const firingOutcomes = ['started', 'waiting', 'skipped', 'failed'] as const;
export type FiringOutcome = (typeof firingOutcomes)[number];

/** One time, or one event, that was to start a run, and what became of it. */
export class FiringView {
  /** `schedule:<time>`, `manual:<run>`; of a trigger what names the event. */
  @IsString() key!: string;
  /** The time that was due, or when the event came. */
  @IsString() time!: string;
  /** The last of several times that were missed together; null: it was one. */
  @IsOptional() @IsString() until!: string | null;
  @IsIn(firingOutcomes) outcome!: FiringOutcome;
  /** Why it was skipped or failed, or what is special about it. */
  @IsOptional() @IsString() reason!: string | null;
  @IsOptional() @Matches(idPattern('run')) run!: string | null;
  /** How the run stands; null where there is none, or it is not kept any more. */
  @IsOptional() @IsIn(runStatuses) runStatus!: RunStatus | null;
  /** When it was dealt with. */
  @IsString() at!: string;
}

/** What happens when a time comes while a run of the schedule has not ended. */
export const overlapPolicies = ['skip', 'queue', 'allow', 'cancelOther'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

export const scheduleStates = ['active', 'paused', 'ended'] as const;
export type ScheduleState = (typeof scheduleStates)[number];

/** What starts a workflow at given times. */
export class ScheduleView {
  @Matches(idPattern('sched')) id!: string;
  @Matches(namePattern) name!: string;
  @IsOptional() @IsString() description!: string | null;
  @IsObject() labels!: Record<string, string>;
  @Matches(namePattern) workflow!: string;
  /** Five fields or `@daily` and the like; null where it is `every`. */
  @IsOptional() @IsString() cron!: string | null;
  /** As `15m`; null where it is `cron`. */
  @IsOptional() @IsString() every!: string | null;
  /** The IANA zone that `cron` is read in. */
  @IsString() timeZone!: string;
  @IsIn(overlapPolicies) overlap!: OverlapPolicy;
  @IsIn(scheduleStates) state!: ScheduleState;
  @IsOptional() @IsString() pausedReason!: string | null;
  @IsOptional() @IsString() pausedBy!: string | null;
  /** When it is due next, without its jitter; null while it is paused and when it has ended. */
  @IsOptional() @IsString() nextTime!: string | null;
  /** The time that was dealt with last. */
  @IsOptional() @IsString() lastTime!: string | null;
  /** What became of the newest firing. */
  @IsOptional() @ValidateNested() @Type(() => FiringView) last!: FiringView | null;
  /** Whose rights its runs have: who applied it last. */
  @IsString() appliedBy!: string;
  /** Rises by one with every change, pause and resume. */
  @IsInt() version!: number;
  @IsString() createdAt!: string;
  @IsString() updatedAt!: string;
}

/** A schedule with its manifest. */
export class ScheduleDetail extends ScheduleView {
  /** As it was applied. */
  @Opaque() @IsObject() manifest!: Record<string, unknown>;
}
