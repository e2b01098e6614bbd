import { Type } from 'class-transformer';
import { IsArray, IsIn, IsInt, IsISO8601, IsNumber, IsOptional, IsString, Matches, MaxLength, ValidateNested } from 'class-validator';
import { defineContract } from '../../bus/contract.ts';
import { PageRequest } from '../../bus/page.ts';

/** The parts of the window that are added up apart (UTC). */
export const usageBuckets = ['hour', 'day', 'month'] as const;
export type UsageBucket = (typeof usageBuckets)[number];

export class ListUsageRequest extends PageRequest {
  /** From the hour in which this is; 30 days before `to` if absent. */
  @IsOptional() @IsISO8601({ strict: true }) from?: string;
  /** To the end of the hour in which this is; now if absent. At most 100 days after `from`. */
  @IsOptional() @IsISO8601({ strict: true }) to?: string;
  /** Each hour, day or month for itself (UTC); all of the window together if absent. */
  @IsOptional() @IsIn(usageBuckets) bucket?: UsageBucket;
  /** Each of these for itself, by commas: `workflow`, `agent`, `model`. All together if absent. */
  @IsOptional()
  @Matches(/^(?:workflow|agent|model)(?:,(?:workflow|agent|model)){0,2}$/, {
    message: 'must be one or several of workflow, agent, model, with commas between',
  })
  by?: string;
  @IsOptional() @IsString() @MaxLength(80) workflow?: string;
  @IsOptional() @IsString() @MaxLength(80) agent?: string;
  @IsOptional() @IsString() @MaxLength(200) model?: string;
}

export class UsageSums {
  /** Attempts that told what they used. */
  @IsInt() attempts!: number;
  @IsInt() inputTokens!: number;
  @IsInt() outputTokens!: number;
  /** US dollars. */
  @IsNumber() costUsd!: number;
}

/** What was used: one row of each bucket and group in which something was. */
export class UsageView extends UsageSums {
  /** When its bucket begins, ISO 8601; null: no bucket was asked for. */
  @IsOptional() @IsString() at!: string | null;
  /** Null where it is not asked for. */
  @IsOptional() @IsString() workflow!: string | null;
  /** Empty: no agent was asked, but a model or a tool. Null where it is not asked for. */
  @IsOptional() @IsString() agent!: string | null;
  /** Empty: no model was asked by Signalbox itself. Null where it is not asked for. */
  @IsOptional() @IsString() model!: string | null;
}

export class ListUsageReply {
  @IsArray() @ValidateNested({ each: true }) @Type(() => UsageView) data!: UsageView[];
  @IsOptional() @IsString() nextCursor!: string | null;
  /** Of all rows, not of this page alone. */
  @ValidateNested() @Type(() => UsageSums) total!: UsageSums;
  /** The window in whole hours: from the first, up to the second without it. */
  @IsString() from!: string;
  @IsString() to!: string;
}

/** Tokens and cost of what runs asked for, by time, workflow, agent and model. */
export const listUsage = defineContract({
  subject: 'sb.execution.usage.list',
  request: ListUsageRequest,
  reply: ListUsageReply,
  permission: 'runs:read',
  callers: ['api-gateway'],
  timeoutMs: 5_000,
  maxBytes: 4_096,
  idempotent: true,
});
