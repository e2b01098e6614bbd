import { IsInt, IsString, Matches, MaxLength, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { taskPattern } from '../execution/task-id.ts';

/** A piece of text that a model has just written. */
export class TaskDelta {
  @Matches(taskPattern) task!: string;
  @Matches(idPattern('run')) run!: string;
  /** The agent that writes; of a task with `model`, the model. */
  @IsString() @MaxLength(256) agent!: string;
  /** Deltas of an earlier attempt are void. */
  @IsInt() @Min(0) attempt!: number;
  /** Calls to the model in this attempt, or of a task with `model` in its conversation, from 1: the output is the text of the last. */
  @IsInt() @Min(1) turn!: number;
  /** UTF-16 units of this turn's text before this piece: a gap shows what was missed. */
  @IsInt() @Min(0) offset!: number;
  @IsString() text!: string;
}

/** Lossy, for people who watch; what a task returned stands in its run. Entity: the run. */
export const taskDelta = defineEvent({ subject: 'sb.live.protocol.task.delta', payload: TaskDelta });
