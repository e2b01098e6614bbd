import { Type } from 'class-transformer';
import { IsArray, IsIn, IsISO8601, IsOptional, IsString, Matches, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { namePattern } from '../../ids/ids.ts';
import { Kpi } from './kpi.ts';
import { kpiWindows, type KpiWindow } from './kpi-names.ts';

export class ListKpisRequest {
  /** Up to now; `1h` if absent. */
  @IsOptional() @IsIn(kpiWindows) window?: KpiWindow;
  /** Of this agent alone: those that are kept by agent. */
  @IsOptional() @Matches(namePattern) agent?: string;
}

export class ListKpisReply {
  @IsIn(kpiWindows) window!: KpiWindow;
  @IsOptional() @IsString() agent!: string | null;
  @IsISO8601() from!: string;
  @IsISO8601() to!: string;
  @IsArray() @ValidateNested({ each: true }) @Type(() => Kpi) data!: Kpi[];
}

/** Each KPI of a window against its target, how fast its error budget burns, and how it went over time. */
export const listKpis = defineContract({
  subject: 'sb.registry.kpi.list',
  request: ListKpisRequest,
  reply: ListKpisReply,
  permission: 'kpis:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 1_024,
  idempotent: true,
});
