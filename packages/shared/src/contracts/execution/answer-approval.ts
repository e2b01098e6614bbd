import { IsBoolean, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { idPattern } from '../../ids/ids.ts';
import { ApprovalDetail } from './approval-view.ts';
import { shardOfApproval } from './task-id.ts';

export class AnswerApprovalRequest {
  @Matches(idPattern('approval')) approval!: string;
  @IsBoolean() approved!: boolean;

  /** What the form asks for. */
  @IsOptional() @Opaque() data?: unknown;

  /** Why; the run keeps it. */
  @IsOptional() @IsString() @MaxLength(2_000) comment?: string;
}

export class AnswerApprovalReply extends ApprovalDetail {}

/**
 * Answers an approval; answers once that is committed. The same answer by the same principal again is the same answer. `forbidden` for who may
 * not answer it, `conflict` when it was answered otherwise or is not asked any more, `invalid` for data that its form does not take.
 */
export const answerApproval = defineContract({
  subject: 'sb.execution.approval.answer',
  request: AnswerApprovalRequest,
  reply: AnswerApprovalReply,
  permission: 'approvals:answer',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 65_536,
  idempotent: true,
  errors: ['not_found', 'conflict', 'forbidden'],
  shardOf: ({ approval }) => shardOfApproval(approval),
});
