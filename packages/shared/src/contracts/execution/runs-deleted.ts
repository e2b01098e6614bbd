import { ArrayMaxSize, IsArray, Matches } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';

/** Runs of one event; more are told by several. */
export const runsDeletedMax = 1_000;

export class RunsDeleted {
  @IsArray() @ArrayMaxSize(runsDeletedMax) @Matches(idPattern('run'), { each: true }) runs!: string[];
}

/** Runs of one workspace are gone, deleted or kept for long enough. Durable, written with that. Entity: the first of them; the version is 1. */
export const runsDeleted = defineEvent({
  subject: 'sb.event.execution.runs.deleted',
  payload: RunsDeleted,
  listeners: ['context'],
});
