import { IsIn, IsInt, IsOptional, IsString, Matches } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { runStatuses, type RunStatus } from './run-view.ts';

export class RunChanged {
  @Matches(idPattern('run')) id!: string;
  @IsString() workflow!: string;
  @IsIn(runStatuses) status!: RunStatus;
  @IsOptional() @IsString() reason!: string | null;
  /** Epoch milliseconds. */
  @IsInt() at!: number;
}

/** A run ended that something waits for: the next of a schedule, or a trigger. Durable, written with the end. */
export const runEnded = defineEvent({
  subject: 'sb.event.execution.run.ended',
  payload: RunChanged,
  listeners: ['execution'],
});

/** A run started or ended. Durable, through the outbox; version 1 is the start, 2 the end. */
export const runChanged = defineEvent({
  subject: 'sb.event.execution.run.changed',
  payload: RunChanged,
  listeners: ['registry'],
});
