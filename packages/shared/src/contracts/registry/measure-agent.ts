import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Evidence } from './evidence.ts';

export class MeasureAgentRequest {
  @Matches(namePattern) agent!: string;
  /** Absent: the current one. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
}

export class MeasureAgentReply {
  /** What was measured now; empty where everything was measured a moment ago. */
  @IsArray() @ValidateNested({ each: true }) @Type(() => Evidence) added!: Evidence[];
  /** What could not be measured, and why. */
  @IsArray() @ArrayMaxSize(10) @IsString({ each: true }) lacks!: string[];
}

/** Measures a version by what its manifest says and its calls did, and keeps that as evidence of the source `live`. */
export const measureAgent = defineContract({
  subject: 'sb.registry.evidence.measure',
  request: MeasureAgentRequest,
  reply: MeasureAgentReply,
  permission: 'evidence:write',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
  errors: ['not_found', 'limited'],
});
