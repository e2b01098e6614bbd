import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunOperationDetail } from './run-operation.ts';

export class GetRunOperationRequest {
  @Matches(idPattern('runop')) operation!: string;
}

export class GetRunOperationReply extends RunOperationDetail {}

/** How far an operation on many runs is, and on which it failed. */
export const getRunOperation = defineContract({
  subject: 'sb.execution.run-operation.get',
  request: GetRunOperationRequest,
  reply: GetRunOperationReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
