import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsIn, IsInt, IsISO8601, IsNumber, IsString, Matches, Min, ValidateNested } from 'class-validator';
import { idPattern, namePattern } from '../../ids/ids.ts';
import { hashPattern } from './agent.ts';

/** What CI can send. */
export const reportFormats = ['junit', 'lcov', 'sarif', 'json'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** `eval`: what an eval of ours found out; `live`: what the registry measured by itself. */
export const evidenceFormats = [...reportFormats, 'eval', 'live'] as const;
export type EvidenceFormat = (typeof evidenceFormats)[number];

/** One number that a file of evidence says. */
export class MetricValue {
  @IsString() metric!: string;
  @IsNumber() value!: number;
}

/** What was found out about one version of an agent: never changed, kept with who brought it. */
export class Evidence {
  @Matches(idPattern('evidence')) id!: string;
  @Matches(namePattern) agent!: string;
  @IsInt() @Min(1) version!: number;
  @IsIn(evidenceFormats) format!: EvidenceFormat;
  @IsString() source!: string;
  /** SHA-256 of the file as it was sent, uncompressed; of an eval, and of what was measured, of its result. */
  @Matches(hashPattern) hash!: string;
  @IsInt() bytes!: number;
  @IsArray() @ValidateNested({ each: true }) @Type(() => MetricValue) metrics!: MetricValue[];
  /** The first few things that went wrong in it: failed tests, critical findings. */
  @IsArray() @IsString({ each: true }) findings!: string[];
  /** Who added it. */
  @IsString() by!: string;
  @IsString() byName!: string;
  @IsISO8601() createdAt!: string;
  /** 30 days later; a gate may ask for fresher evidence, or be content with older. */
  @IsISO8601() expiresAt!: string;
  @IsBoolean() expired!: boolean;
}
