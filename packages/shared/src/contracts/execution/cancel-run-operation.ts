import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { RunOperationView } from './run-operation.ts';

export class CancelRunOperationRequest {
  @Matches(idPattern('runop')) operation!: string;
}

export class CancelRunOperationReply extends RunOperationView {}

/** Ends an operation on many runs: what it has done stays done. One that has ended stays as it is. */
export const cancelRunOperation = defineContract({
  subject: 'sb.execution.run-operation.cancel',
  request: CancelRunOperationRequest,
  reply: CancelRunOperationReply,
  permission: 'runs:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
