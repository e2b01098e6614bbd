import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsObject, IsOptional, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract, messageMaxBytes } from '../../bus/contract.ts';
import { Opaque } from '../../bus/opaque.ts';
import { namePattern } from '../../ids/ids.ts';
import { applyActions, Change, type ApplyAction } from './apply-reply.ts';
import { EvalSuite } from './eval-suite.ts';

export class ApplyEvalSuiteRequest {
  /** The name that the manifest must carry. */
  @Matches(namePattern) name!: string;
  @IsObject() @Opaque() manifest!: Record<string, unknown>;
  /** Only say what would change. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
  /** The version last seen; 0: it must not exist yet; absent: whatever it is. */
  @IsOptional() @IsInt() @Min(0) expectedVersion?: number;
}

export class ApplyEvalSuiteReply {
  @IsIn(applyActions) action!: ApplyAction;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Change) changes!: Change[];
  @ValidateNested() @Type(() => EvalSuite) resource!: EvalSuite;
}

/** Creates a suite, or makes its next version: evals that were made keep theirs. */
export const applyEvalSuite = defineContract({
  subject: 'sb.registry.eval-suite.apply',
  request: ApplyEvalSuiteRequest,
  reply: ApplyEvalSuiteReply,
  permission: 'evals:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: messageMaxBytes,
  idempotent: true,
  errors: ['conflict', 'limited'],
});
