import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { stages, type Stage } from './stage.ts';
import { StageCheck } from './stage-check.ts';

export class ApprovePromotionRequest {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) @Max(2_147_483_647) version!: number;
  @IsIn(stages) to!: Stage;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class ApprovePromotionReply {
  @IsIn(['approved', 'unchanged']) action!: 'approved' | 'unchanged';
  /** As it stands for somebody else who asks for the promotion. */
  @ValidateNested() @Type(() => StageCheck) check!: StageCheck;
}

/** Agrees that somebody else puts a version at a stage. `conflict` when no gate of the stage asks for it, or for none of the caller's roles. */
export const approvePromotion = defineContract({
  subject: 'sb.registry.stage.approve',
  request: ApprovePromotionRequest,
  reply: ApprovePromotionReply,
  permission: 'agents:approve',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found', 'conflict'],
});
