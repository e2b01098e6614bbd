import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsOptional, IsString, Matches } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class WorkflowScaled {
  @Matches(namePattern) workflow!: string;
  /** The smaller one. */
  @Matches(namePattern) to!: string;
  /** Whether new runs get the smaller one now. */
  @IsBoolean() isScaledBack!: boolean;
  @IsIn(['auto', 'hand']) how!: 'auto' | 'hand';
  @IsString() because!: string;
  /** A name, or `execution`. */
  @IsString() by!: string;
  /** Agents that are short, where that is why. */
  @IsOptional() @IsArray() @ArrayMaxSize(20) @Matches(namePattern, { each: true }) agents?: string[];
}

/** New runs of a workflow get its smaller one from now on, or itself again. Entity: the workflow. */
export const workflowScaled = defineEvent({
  subject: 'sb.event.execution.workflow.scaled',
  payload: WorkflowScaled,
  listeners: ['registry'],
});
