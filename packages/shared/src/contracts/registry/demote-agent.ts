import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { StageHolder } from './get-stages.ts';
import { stages, type Stage } from './stage.ts';

export class DemoteAgentRequest {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) @Max(2_147_483_647) version!: number;
  /** The stage that it leaves, with all later ones. */
  @IsIn(stages) from!: Stage;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class DemoteAgentReply {
  /** The stages that it left. */
  @IsArray() @IsIn(stages, { each: true }) left!: Stage[];
  /** Who is where now: the version that was at a stage before is there again. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => StageHolder) holders!: StageHolder[];
}

/** Takes a version of an agent from a stage and all later ones; approvals given for them are void. `conflict` when it is at none of them. */
export const demoteAgent = defineContract({
  subject: 'sb.registry.stage.demote',
  request: DemoteAgentRequest,
  reply: DemoteAgentReply,
  permission: 'agents:promote',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
