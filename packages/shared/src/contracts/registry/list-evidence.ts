import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';
import { namePattern } from '../../ids/ids.ts';
import { Evidence, evidenceFormats, type EvidenceFormat } from './evidence.ts';
import { metricPattern, metricWords, sourcePattern, sourceWords } from './metric-name.ts';

export class ListEvidenceRequest extends PageRequest {
  @Matches(namePattern) agent!: string;
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
  @IsOptional() @IsIn(evidenceFormats) format?: EvidenceFormat;
  @IsOptional() @Matches(metricPattern, metricWords) metric?: string;
  @IsOptional() @Matches(sourcePattern, sourceWords) source?: string;
  /** Whether it is older than 30 days. */
  @IsOptional() @IsBoolean() expired?: boolean;
}

export class ListEvidenceReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Evidence) data!: Evidence[];
  @IsOptional() @IsString() nextCursor!: string | null;
}

/** Evidence for an agent's versions, the newest first; `q` looks into source, metrics and findings. */
export const listEvidence = defineContract({
  subject: 'sb.registry.evidence.list',
  request: ListEvidenceRequest,
  reply: ListEvidenceReply,
  permission: 'evidence:read',
  callers: ['api-gateway'],
  timeoutMs: 3_000,
  maxBytes: 4_096,
  idempotent: true,
  errors: ['not_found'],
});
