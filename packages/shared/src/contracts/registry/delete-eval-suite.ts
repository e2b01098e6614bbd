import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class DeleteEvalSuiteRequest {
  @Matches(namePattern) name!: string;
}

export class DeleteEvalSuiteReply {
  @Matches(namePattern) name!: string;
}

/** Takes a suite away with its evals; evidence stays. `conflict` while one of them runs. */
export const deleteEvalSuite = defineContract({
  subject: 'sb.registry.eval-suite.delete',
  request: DeleteEvalSuiteRequest,
  reply: DeleteEvalSuiteReply,
  permission: 'evals:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
