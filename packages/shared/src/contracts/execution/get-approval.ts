import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { ApprovalDetail } from './approval-view.ts';
import { shardOfApproval } from './task-id.ts';

export class GetApprovalRequest {
  @Matches(idPattern('approval')) approval!: string;
}

export class GetApprovalReply extends ApprovalDetail {}

/** One approval with its form and what is shown. */
export const getApproval = defineContract({
  subject: 'sb.execution.approval.get',
  request: GetApprovalRequest,
  reply: GetApprovalReply,
  permission: 'approvals:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
  shardOf: ({ approval }) => shardOfApproval(approval),
});
