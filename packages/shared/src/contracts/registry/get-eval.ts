import { Matches } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { idPattern } from '../../ids/ids.ts';
import { Eval } from './eval.ts';

export class GetEvalRequest {
  @Matches(idPattern('eval')) id!: string;
}

export class GetEvalReply extends Eval {}

/** One eval and what it found out. */
export const getEval = defineContract({
  subject: 'sb.registry.eval.get',
  request: GetEvalRequest,
  reply: GetEvalReply,
  permission: 'evals:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found'],
});
