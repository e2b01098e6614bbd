import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Eval, evalStatuses, type EvalStatus } from './eval.ts';

export class ListEvalsRequest extends PageRequest {
  @IsOptional() @Matches(namePattern) suite?: string;
  @IsOptional() @Matches(namePattern) agent?: string;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
  @IsOptional() @IsIn(evalStatuses) status?: EvalStatus;
}

export class ListEvalsReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Eval) data!: Eval[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Evals, the newest first; `q` looks into suite and agent. */
export const listEvals = defineContract({
  subject: 'sb.registry.eval.list',
  request: ListEvalsRequest,
  reply: ListEvalsReply,
  permission: 'evals:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
});
