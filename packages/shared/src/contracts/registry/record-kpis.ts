import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsISO8601, IsNumber, IsString, IsUUID, Matches, Min, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { bucketsMax } from '../../kpi/histogram.ts';
import { kpiNames, type KpiName } from './kpi-names.ts';

/** Entries of one report. */
export const kpiEntriesMax = 400;

/** The workspace of what is measured of the installation as a whole. */
export const installation = '00000000-0000-0000-0000-000000000000';

/** What was measured within one minute, added up. */
export class KpiEntry {
  @IsUUID('all') workspace!: string;
  @IsIn(kpiNames) kpi!: KpiName;
  /** Empty: of all that the workspace has. */
  @Matches(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/, { message: 'must be the name of an agent, or empty' }) agent!: string;
  /** Of the agent; 0: of all versions. */
  @IsInt() @Min(0) version!: number;
  /** When the minute begins. */
  @IsISO8601() at!: string;
  @IsInt() @Min(1) count!: number;
  @IsInt() @Min(0) bad!: number;
  @IsNumber() @Min(0) sum!: number;
  /** How many values were in each bucket of `bucketBounds`, up to the last that has some; empty where nothing has a size. */
  @IsArray() @ArrayMaxSize(bucketsMax) @IsInt({ each: true }) @Min(0, { each: true }) buckets!: number[];
}

export class RecordKpisRequest {
  /** The same when it is sent again: it counts once. */
  @IsUUID() report!: string;
  @IsString() @Matches(/^[a-z-]{1,32}$/, { message: 'must be the name of a service' }) reporter!: string;
  @IsArray() @ArrayMaxSize(kpiEntriesMax) @ValidateNested({ each: true }) @Type(() => KpiEntry) entries!: KpiEntry[];
}

export class RecordKpisReply {}

/** Adds what a service has measured to what is kept by the minute, the hour and the day. */
export const recordKpis = defineContract({
  subject: 'sb.registry.kpi.record',
  request: RecordKpisRequest,
  reply: RecordKpisReply,
  permission: 'none',
  callers: ['api-gateway', 'execution'],
  timeoutMs: 5_000,
  maxBytes: 524_288,
  // Who reports tells it again by itself, later.
  idempotent: false,
  identity: 'service',
});
