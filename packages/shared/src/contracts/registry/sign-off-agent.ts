import { IsISO8601, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';

export class SignOffAgentRequest {
  @Matches(namePattern) agent!: string;
  /** The version that was looked at: it must still be the current one. */
  @IsInt() @Min(1) @Max(2_147_483_647) version!: number;
  @IsOptional() @IsString() @MaxLength(2_000) note?: string;
}

export class SignOffAgentReply {
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) version!: number;
  @IsString() by!: string;
  @IsISO8601() at!: string;
}

/** Says that somebody has looked at a version of an agent. `conflict` when it is not the current one, or was signed off already. */
export const signOffAgent = defineContract({
  subject: 'sb.registry.review.sign-off',
  request: SignOffAgentRequest,
  reply: SignOffAgentReply,
  permission: 'agents:sign-off',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: false,
  errors: ['not_found', 'conflict'],
});
