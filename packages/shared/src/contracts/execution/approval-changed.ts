import { IsIn, IsInt, IsOptional, IsString, Matches, Min } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { approvalStatuses, type ApprovalStatus } from './approval-view.ts';

export class ApprovalChanged {
  @Matches(idPattern('approval')) id!: string;
  @Matches(idPattern('run')) run!: string;
  @IsString() workflow!: string;
  @IsString() step!: string;
  @IsIn(approvalStatuses) status!: ApprovalStatus;
  /** How often who may answer was reminded so far. */
  @IsOptional() @IsInt() @Min(0) reminders?: number;
  /** Epoch milliseconds. */
  @IsInt() at!: number;
}

/** An approval was asked for, escalated, called to mind or ended. Durable, through the outbox; version 1 is the asking. */
export const approvalChanged = defineEvent({
  subject: 'sb.event.execution.approval.changed',
  payload: ApprovalChanged,
  listeners: ['registry'],
});
