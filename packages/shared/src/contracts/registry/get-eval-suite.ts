import { IsObject, Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { EvalSuite } from './eval-suite.ts';

export class GetEvalSuiteRequest {
  @Matches(namePattern) name!: string;
}

export class GetEvalSuiteReply extends EvalSuite {
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
}

/** One suite with its manifest, its cases included. */
export const getEvalSuite = defineContract({
  subject: 'sb.registry.eval-suite.get',
  request: GetEvalSuiteRequest,
  reply: GetEvalSuiteReply,
  permission: 'evals:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
