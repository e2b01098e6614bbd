import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsString, IsUUID, MaxLength, Min, ValidateNested } from 'class-validator';
import { defineContract, serviceNames } from '../../bus/contract.ts';

/** What one principal was denied in one minute, counted, so that denials cannot flood the audit. */
export class Denials {
  /** The same when it is sent again. */
  @IsUUID() id!: string;
  @IsUUID() workspace!: string;
  @IsString() @MaxLength(64) principal!: string;
  @IsString() @MaxLength(128) name!: string;
  /** Epoch milliseconds of the first. */
  @IsInt() at!: number;
  @IsInt() @Min(1) count!: number;
  /** What was asked for: the first few operations. */
  @IsArray() @ArrayMaxSize(8) @IsString({ each: true }) @MaxLength(128, { each: true }) operations!: string[];
}

export class RecordDenialsRequest {
  @IsArray() @ArrayMaxSize(256) @ValidateNested({ each: true }) @Type(() => Denials) denials!: Denials[];
}

export class RecordDenialsReply {}

/** Writes refused attempts into the audit. */
export const recordDenials = defineContract({
  subject: 'sb.security.denial.record',
  request: RecordDenialsRequest,
  reply: RecordDenialsReply,
  permission: 'none',
  callers: serviceNames,
  timeoutMs: 3_000,
  maxBytes: 262_144,
  idempotent: true,
  identity: 'service',
});
