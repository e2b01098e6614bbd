import { IsInt, IsOptional, IsString, Matches, MaxLength, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class TasksTakenBack {
  @Matches(namePattern) agent!: string;
  /** Absent: of all instances. */
  @IsOptional() @IsString() @MaxLength(128) instance?: string;
  @IsInt() @Min(1) tasks!: number;
}

/** One replica has taken these tasks from an agent or an instance that was isolated, or from an instance that is gone: they are given to others. */
export const tasksTakenBack = defineEvent({
  subject: 'sb.live.execution.task.taken-back',
  payload: TasksTakenBack,
  listeners: ['registry'],
});
