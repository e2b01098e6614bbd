import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { StageHolder } from './get-stages.ts';
import { stages, type Stage } from './stage.ts';
import { StageCheck } from './stage-check.ts';

export class PromoteAgentRequest {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) @Max(2_147_483_647) version!: number;
  @IsIn(stages) to!: Stage;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
  /** Only say whether it may. */
  @IsOptional() @IsBoolean() dryRun?: boolean;
}

export class PromoteAgentReply {
  /** `refused` only with `dryRun`: else a refusal is a `conflict`. */
  @IsIn(['promoted', 'unchanged', 'refused']) action!: 'promoted' | 'unchanged' | 'refused';
  @ValidateNested() @Type(() => StageCheck) check!: StageCheck;
  @IsArray() @ValidateNested({ each: true }) @Type(() => StageHolder) holders!: StageHolder[];
}

/** Puts a version of an agent at a stage. `conflict` when a gate does not hold: `errors` names each metric that is short, and by how much. */
export const promoteAgent = defineContract({
  subject: 'sb.registry.stage.promote',
  request: PromoteAgentRequest,
  reply: PromoteAgentReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
