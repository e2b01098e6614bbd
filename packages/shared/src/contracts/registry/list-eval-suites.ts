import { Type } from 'class-transformer';
import { IsArray, IsOptional, IsString, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { EvalSuite } from './eval-suite.ts';

export class ListEvalSuitesRequest extends PageRequest {}

export class ListEvalSuitesReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => EvalSuite) data!: EvalSuite[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Suites in order of their names; `q` looks into name and description. */
export const listEvalSuites = defineContract({
  subject: 'sb.registry.eval-suite.list',
  request: ListEvalSuitesRequest,
  reply: ListEvalSuitesReply,
  permission: 'evals:read',
  callers: ['api-gateway'],
  timeoutMs: 2_000,
  maxBytes: 4_096,
  idempotent: true,
});
