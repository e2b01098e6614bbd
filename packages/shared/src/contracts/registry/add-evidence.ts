import { IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Evidence, reportFormats, type ReportFormat } from './evidence.ts';
import { sourcePattern, sourceWords } from './metric-name.ts';

/** Characters of a file as it is sent: a message holds 512 KiB. */
export const evidenceContentMax = 450_000;

export class AddEvidenceRequest {
  @Matches(namePattern) agent!: string;
  /** Absent: the current one. */
  @IsOptional() @IsInt() @Min(1) @Max(2_147_483_647) version?: number;
  @IsIn(reportFormats) format!: ReportFormat;
  /** The file; with `encoding: gzip` compressed, in base64. */
  @IsString() @MinLength(1) @MaxLength(evidenceContentMax) content!: string;
  /** `text` if absent. */
  @IsOptional() @IsIn(['text', 'gzip']) encoding?: 'text' | 'gzip';
  /** JUnit: which tests they are, as in `tests.integration.passRate` (`unit` if absent); SARIF: `lint` for `lint.critical` (`security` if absent). */
  @IsOptional() @Matches(namePattern) suite?: string;
  /** Of one source the newest counts, of several the worst. If absent: the suite, the scanner, or the format. */
  @IsOptional() @Matches(sourcePattern, sourceWords) source?: string;
}

export class AddEvidenceReply extends Evidence {}

/** Reads a report, keeps what it says of the version, and who brought it. `invalid` says what is wrong with the file, and on which line. */
export const addEvidence = defineContract({
  subject: 'sb.registry.evidence.add',
  request: AddEvidenceRequest,
  reply: AddEvidenceReply,
  permission: 'evidence:write',
  callers: ['api-gateway'],
  timeoutMs: 10_000,
  maxBytes: 524_288,
  idempotent: false,
  errors: ['not_found', 'limited'],
});
