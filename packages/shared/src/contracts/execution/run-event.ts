import { Type } from 'class-transformer';
import { Allow, IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Failure } from './failure.ts';
import { Opaque } from '../../bus/opaque.ts';

export const runEventTypes = [
  'run.started',
  'run.admitted',
  'run.signalled',
  'run.upgraded',
  'run.quarantined',
  'run.released',
  'step.queued',
  'step.started',
  'step.progress',
  'step.succeeded',
  'step.degraded',
  'step.failed',
  'step.retrying',
  'step.moved',
  'step.waiting',
  'step.escalated',
  'step.reminded',
  'step.answered',
  'step.skipped',
  'step.resolved',
  'run.ending',
  'run.succeeded',
  'run.failed',
  'run.cancelled',
] as const;
export type RunEventType = (typeof runEventTypes)[number];

/** Types that end a run: no event follows. */
export const endingRunEvents: readonly RunEventType[] = ['run.succeeded', 'run.failed', 'run.cancelled'];

/** One thing that happened to a run. */
export class RunEventView {
  /** Rising in one run, with gaps; `step.progress` carries the number of the event before it. */
  @IsInt() @Min(0) seq!: number;
  /** ISO 8601. */
  @IsString() at!: string;
  @Matches(idPattern('run')) run!: string;
  @IsIn(runEventTypes) type!: RunEventType;
  /** The step's key, `analyse[3]` for an item. */
  @IsOptional() @IsString() step?: string;
  @IsOptional() @IsInt() attempt?: number;
  @IsOptional() @IsString() agent?: string;
  @IsOptional() @IsString() instance?: string;
  @IsOptional() @ValidateNested() @Type(() => Failure) error?: Failure;
  /** Cut when it is large: `{ "truncated": true, "bytes": 123456, "preview": "…" }`. */
  @Opaque() @Allow() output?: unknown;
  @IsOptional() @IsString() message?: string;
  /** Of `step.progress`: how much is done, 0 to 1. */
  @IsOptional() @Allow() fraction?: number;
}

/** What happened to a run in one commit, or a part of that: its last event, and those before it. */
export class RunProgressed extends RunEventView {
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => RunEventView) earlier?: RunEventView[];
  /** All that happened after this `seq`, up to its own, is in this message; absent: after the one before its first. */
  @IsOptional() @IsInt() @Min(-1) since?: number;
}

/** All that a message tells, in order. */
export function eventsIn({ earlier = [], since: _, ...last }: RunProgressed): RunEventView[] {
  return [...earlier, last];
}

/**
 * What happens to runs, as it happens and after its commit. Lossy: whoever follows a run reads `list-run-events` first, and again where
 * `seq` shows a gap he cares for. The envelope's `entity` is the run, its `version` the last event's `seq`.
 */
export const runProgressed = defineEvent({ subject: 'sb.live.execution.run.progressed', payload: RunProgressed, listeners: ['registry'] });
