import { IsIn, IsInt, IsString, Matches } from 'class-validator';
import { defineEvent } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { approvalStatuses, type ApprovalStatus } from './approval-view.ts';

export class ApprovalChanged {
  @Matches(idPattern('approval')) id!: string;
  @Matches(idPattern('run')) run!: string;
  @IsString() workflow!: string;
  @IsString() step!: string;
  @IsIn(approvalStatuses) status!: ApprovalStatus;
  /** Epoch milliseconds. */
  @IsInt() at!: number;
}

/** An approval was asked for, escalated or ended. Durable, through the outbox; version 1 is the asking. */
export const approvalChanged = defineEvent({
  subject: 'sb.event.execution.approval.changed',
  payload: ApprovalChanged,
  listeners: [],
});
